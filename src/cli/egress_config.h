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
#include "consumer/egress/egress_service.h"
#include "consumer/schemes/scheme_registry.h"
#include "core/result.h"
#include "http/target.h"
#include "net/tls.h"

namespace countersign::cli {

// An origin besides the issuer's own where its token endpoint may be.
struct IssuerOriginConfig {
  http::Url url;
  net::TlsClientContext::Options tls;  // the issuer's trust anchors, this origin's own name

  friend bool operator==(const IssuerOriginConfig&, const IssuerOriginConfig&) = default;
};

struct EgressApiConfig {
  consumer::EgressApiOptions options;
  consumer::CallPolicyOptions calls;
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
  std::vector<IssuerOriginConfig> issuer_origins;
  size_t connections_max = 1024;  // of each loop
  // Asked for with the new credential before a changed configuration takes the old one's place.
  // Empty: the handshake and the token are proof enough.
  std::string probe_path;

  // With secrets and the contents of files: what is equal need not be made anew.
  friend bool operator==(const EgressApiConfig&, const EgressApiConfig&) = default;
};

struct EgressConfig {
  ServerConfig server;
  std::string access_log_path;  // empty: no access log; "-": standard output
  consumer::EgressOptions egress;
  std::vector<EgressApiConfig> apis;
  std::optional<JournalConfig> journal;
  std::vector<consumer::CallerRuleOptions> callers;
  std::optional<net::ListenOptions> admin;
  std::vector<std::string> unsafe_options;
  std::vector<std::filesystem::path> files;  // all that were read: what a reload depends on
  bool watch_files = true;                   // reload when one of them changes, not on SIGHUP alone
};

// Every problem at once: `config.invalid`, misconfigured.
Result<EgressConfig> load_egress_config(const CommonOptions& common);

}  // namespace countersign::cli
