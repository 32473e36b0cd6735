#include "store/rekey.h"

namespace countersign::store {
namespace {

Result<void> rekey_slot(TokenStore& store, const SealingKeys& keys, Entropy& entropy,
                        std::string_view slot, RekeyReport& report) {
  CS_TRY(const TokenRow row, store.read(slot));
  if (!row.token || row.token->key_version == keys.version()) {
    ++report.changed_meanwhile;
    return {};
  }
  const SealedRow identity = token_row_of(slot, row.generation);
  const auto opened = keys.open(row.token->sealed, row.token->key_version, identity);
  if (!opened) {
    ++report.not_opened;
    if (opened.error().code == "sealing.unknown_version")
      report.missing_versions.insert(row.token->key_version);
    return {};
  }
  CS_TRY(const Sealed sealed, keys.seal(opened->unsafe_reveal(), identity, entropy));
  CS_TRY(const bool replaced, store.replace_sealed(slot, row.generation, row.token->key_version,
                                                   sealed.bytes, sealed.key_version));
  ++(replaced ? report.rekeyed : report.changed_meanwhile);
  return {};
}

}  // namespace

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

}  // namespace countersign::store
