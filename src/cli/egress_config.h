// The configuration of `countersign egress`, read from TOML into the options of the parts.
// docs/reference/egress-toml.md explains each key.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/common_options.h"
#include "cli/server_config.h"
#include "cli/token_store_config.h"
#include "consumer/egress/egress_service.h"
#include "consumer/schemes/scheme_registry.h"
#include "core/result.h"
#include "http/target.h"
#include "net/tls.h"

namespace countersign::cli {

struct EgressApiConfig {
  consumer::EgressApiOptions options;
  http::Url url;
  std::optional<Endpoint>
      connect_to;  // in place of looking the URL's host up; names are verified all the same
  net::TlsClientContext::Options tls;
  std::string certificate_thumbprint;  // x5t#S256 of the own certificate; empty if there is none
  const consumer::SchemeRow* scheme = nullptr;
  consumer::SchemeSettings settings;
  std::optional<http::Url> issuer;  // of schemes that need one
  std::optional<Endpoint> issuer_connect_to;
  net::TlsClientContext::Options issuer_tls;  // as `tls`, for the issuer's host
  size_t connections_max = 1024;              // of each loop
};

struct EgressConfig {
  ServerConfig server;
  std::string access_log_path;  // empty: no access log; "-": standard output
  consumer::EgressOptions egress;
  std::vector<EgressApiConfig> apis;
  std::optional<TokenStoreConfig> token_store;  // tokens are shared through it
  std::vector<std::string> unsafe_options;
};

// Every problem at once: `config.invalid`, misconfigured.
Result<EgressConfig> load_egress_config(const CommonOptions& common);

}  // namespace countersign::cli
