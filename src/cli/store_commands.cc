#include "cli/store_commands.h"

#include <optional>
#include <string>
#include <vector>

#include "cli/journal_config.h"
#include "cli/output.h"
#include "cli/token_store_config.h"
#include "core/clock.h"
#include "core/entropy.h"
#include "store/rekey.h"

namespace countersign::cli {
namespace {

constexpr std::string_view store_table = "token_store";
constexpr std::string_view journal_table = "journal";

// What is sealed under keys of the configuration.
struct SealedStores {
  std::optional<TokenStoreConfig> tokens;
  std::optional<JournalConfig> journal;
};

Result<SealedStores> load_stores(const CommonOptions& common) {
  ConfigReader reader = common.load();
  const ConfigSection root = reader.root();
  for (const std::string& key : root.keys()) {
    if (key != store_table && key != journal_table) root.skip(key);
  }
  SealedStores stores{.tokens = read_token_store(root), .journal = read_journal(root)};
  if (!stores.tokens && !stores.journal) {
    root.problem(store_table,
                 "missing; expected the table [token_store] or [journal]: nothing is sealed");
  }
  CS_CHECK(reader.finish());
  return stores;
}

// `prefix`: of the journal's figures.
void add_report(OutputRecord& out, std::string_view prefix, uint32_t key_version,
                const store::RekeyReport& report) {
  const auto named = [prefix](std::string_view name) { return std::string(prefix).append(name); };
  std::vector<std::string> missing;
  for (const uint32_t version : report.missing_versions) missing.push_back(std::to_string(version));
  out.number(named("key_version"), key_version)
      .number(named("rekeyed"), report.rekeyed)
      .number(named("changed_meanwhile"), report.changed_meanwhile)
      .number(named("not_opened"), report.not_opened)
      .list(named("missing_key_versions"), missing)
      .number(named("remaining"), report.remaining);
}

// The store of `config`, which `open` opens; `kind` names it in the output.
template <typename Config, typename Open>
Result<bool> rekey_one(const Config& config, Open open, std::string_view kind,
                       std::string_view prefix, OutputRecord& out) {
  CS_TRY(const store::SealingKeys keys, load_sealing_keys(config));
  const SystemClock clock;
  SystemEntropy entropy;
  CS_TRY(const auto store, open(config, clock));
  CS_TRY(const store::RekeyReport report, store::rekey(*store, keys, entropy));
  out.text(kind, config.name());
  add_report(out, prefix, keys.version(), report);
  return report.complete();
}

}  // namespace

Result<void> rekey_store(const CommonOptions& common) {
  CS_TRY(const SealedStores stores, load_stores(common));
  OutputRecord out;
  bool complete = true;
  if (stores.tokens) {
    CS_TRY(const bool all, rekey_one(*stores.tokens, open_token_store, "store", "", out));
    complete = all;
  }
  if (stores.journal) {
    CS_TRY(const bool all, rekey_one(*stores.journal, open_journal, "journal", "journal_", out));
    complete = complete && all;
  }
  print(out, common.output);
  if (complete) return {};
  return fail(ErrorKind::conflict, "store.rekey_incomplete",
              "something is still sealed under another key; keep the old keys and run this again "
              "once every egress has the new one");
}

}  // namespace countersign::cli
