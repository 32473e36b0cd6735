#include "store/rekey.h"

namespace countersign::store {
namespace {

constexpr size_t entries_at_once = 100;  // requests of up to a MiB each, in memory together

// Of one sealed text; nullopt, and counted, if it does not open.
Result<std::optional<Sealed>> seal_anew(const SealingKeys& keys, Entropy& entropy, ByteView sealed,
                                        uint32_t key_version, const SealedRow& row,
                                        RekeyReport& report) {
  const auto opened = keys.open(sealed, key_version, row);
  if (opened) return keys.seal(opened->unsafe_reveal(), row, entropy);
  ++report.not_opened;
  if (opened.error().code == "sealing.unknown_version") report.missing_versions.insert(key_version);
  return std::nullopt;
}

Result<void> rekey_slot(TokenStore& store, const SealingKeys& keys, Entropy& entropy,
                        std::string_view slot, RekeyReport& report) {
  CS_TRY(const TokenRow row, store.read(slot));
  if (!row.token || row.token->key_version == keys.version()) {
    ++report.changed_meanwhile;
    return {};
  }
  CS_TRY(const auto sealed, seal_anew(keys, entropy, row.token->sealed, row.token->key_version,
                                      token_row_of(slot, row.generation), report));
  if (!sealed) return {};
  CS_TRY(const bool replaced, store.replace_sealed(slot, row.generation, row.token->key_version,
                                                   sealed->bytes, sealed->key_version));
  ++(replaced ? report.rekeyed : report.changed_meanwhile);
  return {};
}

Result<void> rekey_entry(Journal& journal, const SealingKeys& keys, Entropy& entropy,
                         const JournalEntry& entry, RekeyReport& report) {
  const std::string name = journal_row_name(entry.api, entry.key);
  CS_TRY(const auto sealed,
         seal_anew(keys, entropy, entry.sealed, entry.key_version, journal_row_of(name), report));
  if (!sealed) return {};
  CS_TRY(const bool replaced, journal.replace_sealed(entry, sealed->bytes, sealed->key_version));
  ++(replaced ? report.rekeyed : report.changed_meanwhile);
  return {};
}

// Each entry that is sealed under another key than the current one.
template <typename Visit>
Result<void> for_each_entry(Journal& journal, uint32_t key_version, Visit visit) {
  std::string api;
  std::string key;
  for (;;) {
    CS_TRY(const std::vector<JournalEntry> entries,
           journal.to_rekey(key_version, api, key, entries_at_once));
    for (const JournalEntry& entry : entries) CS_CHECK(visit(entry));
    if (entries.size() < entries_at_once) return {};
    api = entries.back().api;
    key = entries.back().key;
  }
}

}  // namespace

std::string journal_row_name(std::string_view api, std::string_view key) {
  return std::to_string(api.size()).append(1, ':').append(api).append(key);
}

Result<RekeyReport> rekey(TokenStore& store, const SealingKeys& keys, Entropy& entropy) {
  RekeyReport report;
  CS_TRY(const auto slots, store.slots_to_rekey(keys.version()));
  for (const std::string& slot : slots) {
    CS_CHECK(rekey_slot(store, keys, entropy, slot, report));
  }
  CS_TRY(const auto left, store.slots_to_rekey(keys.version()));
  report.remaining = static_cast<int64_t>(left.size());
  return report;
}

Result<RekeyReport> rekey(Journal& journal, const SealingKeys& keys, Entropy& entropy) {
  RekeyReport report;
  CS_CHECK(for_each_entry(journal, keys.version(), [&](const JournalEntry& entry) {
    return rekey_entry(journal, keys, entropy, entry, report);
  }));
  CS_CHECK(for_each_entry(journal, keys.version(), [&](const JournalEntry&) -> Result<void> {
    ++report.remaining;
    return {};
  }));
  return report;
}

}  // namespace countersign::store
