// The commands that change or show the provider's record: client, key, token. They write the store
// that the gateway follows, and wait until every running gateway has confirmed what must take
// effect at once.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/common_options.h"
#include "core/result.h"

namespace countersign::cli {

struct ClientAddFlags {
  std::string id;
  std::string name;
  std::string auth_method = "none";
  std::vector<std::string> scopes;
  std::vector<std::string> certificates;  // PEM files whose thumbprints are registered
  std::vector<std::string> thumbprints;   // x5t#S256
  std::string subject_dn;
  std::string san_dns;
  std::string san_uri;
  std::string san_ip;
  std::vector<std::string> networks;
  bool certificate_bound_tokens = false;
  std::string token_lifetime;  // "5m"; empty: the issuer's
};

struct KeyIssueFlags {
  std::string client;
  std::vector<std::string> scopes;
  std::string certificate;  // PEM file: the key works with this certificate only
  std::string thumbprint;   // the same, as x5t#S256
  std::vector<std::string> networks;
  std::string lifetime;  // "90d"; empty: for ever
  std::string note;
};

struct RevokeFlags {
  std::string subject;  // client id, key id, or jti
  std::string reason;
  std::chrono::milliseconds wait{5000};  // for the gateways' confirmation
};

struct TokenRevokeFlags {
  std::string jti;  // or
  std::string
      token_file;  // a file that holds the token, "-": standard input; never on the command line
  std::string reason;
  std::chrono::milliseconds wait{5000};
};

// Each prints its result to standard output. A new key or secret is printed once, here and nowhere
// else.
Result<void> add_client(const CommonOptions& common, const ClientAddFlags& flags);
Result<void> list_clients(const CommonOptions& common);
Result<void> disable_client(const CommonOptions& common, const RevokeFlags& flags);
Result<void> issue_key(const CommonOptions& common, const KeyIssueFlags& flags);
Result<void> list_keys(const CommonOptions& common, const std::string& client);
Result<void> revoke_key(const CommonOptions& common, const RevokeFlags& flags);
Result<void> revoke_token(const CommonOptions& common, const TokenRevokeFlags& flags);

}  // namespace countersign::cli
