#include "cli/store_commands.h"

#include <string>
#include <utility>
#include <vector>

#include "cli/output.h"
#include "cli/token_store_config.h"
#include "core/clock.h"
#include "core/entropy.h"
#include "store/rekey.h"

namespace countersign::cli {
namespace {

constexpr std::string_view table_name = "token_store";

Result<TokenStoreConfig> load_token_store(const CommonOptions& common) {
  ConfigReader reader = common.load();
  const ConfigSection root = reader.root();
  for (const std::string& key : root.keys()) {
    if (key != table_name) root.skip(key);
  }
  auto config = read_token_store(root);
  if (!config)
    root.problem(table_name, "missing; expected the table [token_store]: nothing is shared");
  CS_CHECK(reader.finish());
  return *std::move(config);
}

}  // namespace

Result<void> rekey_store(const CommonOptions& common) {
  CS_TRY(const TokenStoreConfig config, load_token_store(common));
  CS_TRY(const store::SealingKeys keys, load_sealing_keys(config));
  const SystemClock clock;
  SystemEntropy entropy;
  CS_TRY(const auto store, open_token_store(config, clock));
  CS_TRY(const store::RekeyReport report, store::rekey(*store, keys, entropy));
  std::vector<std::string> missing;
  for (const uint32_t version : report.missing_versions) missing.push_back(std::to_string(version));
  OutputRecord out;
  out.text("store", config.name())
      .number("key_version", keys.version())
      .number("rekeyed", report.rekeyed)
      .number("changed_meanwhile", report.changed_meanwhile)
      .number("not_opened", report.not_opened)
      .list("missing_key_versions", missing)
      .number("remaining", report.remaining);
  print(out, common.output);
  if (report.complete()) return {};
  return fail(ErrorKind::conflict, "store.rekey_incomplete",
              "some tokens are still sealed under another key; keep the old keys and run this "
              "again once every egress has the new one");
}

}  // namespace countersign::cli
