// The configuration of `countersign egress`, read from TOML into the options of the parts.
// docs/reference/egress-toml.md explains each key.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/common_options.h"
#include "cli/journal_config.h"
#include "cli/server_config.h"
#include "client/api_config.h"
#include "consumer/egress/egress_service.h"
#include "core/result.h"

namespace countersign::cli {

// What the library reads of an [[api]] too, and what concerns the egress alone.
struct EgressApiConfig : client::ApiConfig {
  consumer::EgressApiOptions options = {};
  consumer::CallPolicyOptions calls = {};
};

struct EgressConfig {
  ServerConfig server;
  std::string access_log_path;  // empty: no access log; "-": standard output
  consumer::EgressOptions egress;
  std::vector<EgressApiConfig> apis;
  std::optional<JournalConfig> journal;
  std::vector<std::string> unsafe_options;
};

// Every problem at once: `config.invalid`, misconfigured.
Result<EgressConfig> load_egress_config(const CommonOptions& common);

}  // namespace countersign::cli
