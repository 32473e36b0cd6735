// The configuration of `countersign gateway`, read from TOML into the options of the parts.
// docs/reference/gateway-toml.md explains each key.

#pragma once

#include <string>
#include <vector>

#include "cli/audit_config.h"
#include "cli/common_options.h"
#include "cli/server_config.h"
#include "cli/watch_config.h"
#include "core/result.h"
#include "core/secret.h"
#include "crypto/key.h"
#include "http/target.h"
#include "net/tls.h"
#include "protocol/pepper.h"
#include "provider/gateway/gateway_policy.h"
#include "provider/registry/registry_admin.h"

namespace countersign::cli {

// The part that commands on the registry need too: they run beside the gateway on the same files.
struct RecordConfig {
  std::string store_path;
  std::string environment = "live";
  std::chrono::seconds token_lifetime_max{3600};
  protocol::Peppers peppers;
  std::string node;   // names this side in the audit log
  AuditConfig audit;  // where changes are recorded, too
};

struct GatewayConfig {
  RecordConfig record;
  ServerConfig server;
  net::TlsServerContext::Options tls;
  std::string issuer;
  std::string audience;
  std::vector<crypto::PrivateKey> signing_keys;  // the first one signs
  std::chrono::seconds token_lifetime{300};
  std::chrono::milliseconds max_staleness{2000};
  provider::GatewayOptions gateway;
  http::Url upstream;
  WatchConfig watch;
  std::vector<std::string> unsafe_options;  // places, for the warning at start
};

// Every problem at once: `config.invalid`, misconfigured.
Result<GatewayConfig> load_gateway_config(const CommonOptions& common);
// Reads the whole file all the same, so that a command never runs on a configuration that the
// gateway would refuse.
Result<RecordConfig> load_record_config(const CommonOptions& common);

}  // namespace countersign::cli
