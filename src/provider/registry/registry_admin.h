// RegistryAdmin: what an operator can do to the record, behind one set of operations for the
// command line and for an administrative API. Every request is checked whole before anything is
// written; an error names the field and says what to do. Keys and secrets are returned once and
// only their MACs are kept.
//
// Who may call it is not checked here.
//
// RFC 8705 §2.1.2, §3.4 (certificate metadata), RFC 7591 §2 (names of client metadata).

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"
#include "protocol/api_key.h"
#include "protocol/pepper.h"
#include "store/registry_store.h"

namespace countersign::provider {

struct RegistryAdminOptions {
  std::string environment = "live";  // part of each key's text
  // No token lives longer than this: the issuer's limit, or more. Cut-offs are kept for this long,
  // and a token revoked without its exp is taken to have it. Too short a value would forget a
  // cut-off while tokens it stands for still live; a long one only costs a row for each.
  std::chrono::seconds token_lifetime_max{24 * 3600};
  // Added to a cut-off's life: verifiers may accept a token this long after its exp.
  std::chrono::seconds clock_leeway{60};
};

struct NewClient {
  std::string client_id;  // empty: one is made, "cl_" and 16 characters
  std::string name;
  store::ClientAuthMethod auth_method = store::ClientAuthMethod::none;
  std::vector<std::string> scopes;
  bool certificate_bound_access_tokens = false;
  store::CertificateRules certificates;
  std::vector<std::string> networks;
  std::optional<std::chrono::seconds> token_lifetime;
};

struct NewKey {
  std::string client_id;
  std::vector<std::string> scopes;  // empty: the client's
  std::optional<std::string> certificate_thumbprint;
  std::vector<std::string> networks;
  std::optional<WallTime> not_before;  // default: now
  std::optional<WallTime> expires_at;  // default: never
  std::string note;
};

struct NewSecret {
  std::string client_id;
  std::optional<WallTime> expires_at;
  std::string note;
};

struct RevokeToken {
  std::string jti;
  std::optional<WallTime>
      expires_at;  // the token's exp; default: its time of issue + token_lifetime_max
  std::string reason;
};

struct AddedClient {
  store::ClientRecord client;
  int64_t seq = 0;  // for store::wait_for_receipt()
};
struct IssuedKey {
  Secret text;  // shown once
  store::KeyRecord key;
  int64_t seq = 0;
};
struct IssuedSecret {
  Secret text;  // shown once
  store::SecretRecord secret;
  int64_t seq = 0;
};

class RegistryAdmin final {
 public:
  // All references outlive the object. Belongs to the store's thread.
  RegistryAdmin(store::RegistryStore& store, const protocol::Peppers& peppers, const Clock& clock,
                Entropy& entropy, RegistryAdminOptions options = {});

  // `admin.bad_…` (invalid_input) names the field; `registry.duplicate` (conflict): the id or a
  // certificate is taken.
  Result<AddedClient> add_client(const NewClient& request);
  Result<std::vector<store::ClientRecord>> list_clients();
  // Its credentials stop working, its tokens are cut off. `registry.unknown_client`.
  Result<int64_t> disable_client(std::string_view client_id, std::string_view reason);

  // `admin.client_disabled` (conflict), `registry.unknown_client`, `admin.bad_…`.
  Result<IssuedKey> issue_key(const NewKey& request);
  Result<std::vector<store::KeyRecord>> list_keys(
      std::string_view client_id);  // empty: of all clients
  Result<int64_t> revoke_key(std::string_view key_id, std::string_view reason);

  Result<IssuedSecret> issue_client_secret(const NewSecret& request);
  Result<std::vector<store::SecretRecord>> list_client_secrets(std::string_view client_id);
  // Also cuts off the tokens that were granted for it (they name it:
  // protocol::credential_id_claim).
  Result<int64_t> revoke_client_secret(std::string_view secret_id, std::string_view reason);

  // By id: no other token is touched. `admin.bad_jti`: not an id that this provider's issuer
  // writes.
  Result<int64_t> revoke_token(const RevokeToken& request);
  // The certificate itself, wherever it is registered, and the tokens bound to it. It stays
  // revoked.
  Result<int64_t> revoke_certificate(std::string_view thumbprint, std::string_view reason);

 private:
  Result<store::ClientRecord> active_client(std::string_view client_id);
  Result<store::Revocation> revocation_of(store::SubjectKind kind, std::string_view subject,
                                          std::string_view reason) const;

  store::RegistryStore& store_;
  const protocol::Peppers& peppers_;
  const Clock& clock_;
  Entropy& entropy_;
  RegistryAdminOptions options_;
};

}  // namespace countersign::provider
