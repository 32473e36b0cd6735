// The configuration of `countersign egress`, read from TOML into the options of the parts.
// docs/reference/egress-toml.md explains each key.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/common_options.h"
#include "cli/journal_config.h"
#include "cli/server_config.h"
#include "cli/token_store_config.h"
#include "client/api_config.h"
#include "consumer/egress/egress_service.h"
#include "core/result.h"

namespace countersign::cli {

// What the library reads of an [[api]] too, and what concerns the egress alone.
struct EgressApiConfig : client::ApiConfig {
  consumer::EgressApiOptions options = {};
  consumer::CallPolicyOptions calls = {};
  // Asked for with the new credential before a changed configuration takes the old one's place.
  // Empty: the handshake and the token are proof enough.
  std::string probe_path = {};

  // With secrets and the contents of files: what is equal need not be made anew.
  friend bool operator==(const EgressApiConfig&, const EgressApiConfig&) = default;
};

struct EgressConfig {
  ServerConfig server;
  std::string access_log_path;  // empty: no access log; "-": standard output
  consumer::EgressOptions egress;
  std::vector<EgressApiConfig> apis;
  std::vector<consumer::CallerRuleOptions> callers;
  std::optional<net::ListenOptions> admin;
  std::optional<JournalConfig> journal;
  std::optional<TokenStoreConfig> token_store;  // tokens are shared through it
  std::vector<std::string> unsafe_options;
  std::vector<std::filesystem::path> files;  // all that were read: what a reload depends on
  bool watch_files = true;                   // reload when one of them changes, not on SIGHUP alone
};

// Every problem at once: `config.invalid`, misconfigured.
Result<EgressConfig> load_egress_config(const CommonOptions& common);

}  // namespace countersign::cli
