// What a gateway and an issuer hold in memory of a client and its credentials: the records of the
// store, parsed once and never changed. A change makes a new entry.
//
// These answer what is registered. Whether a request may pass is decided by the schemes and the
// gateway, which look at everything an entry says: status, times, scopes, certificate, networks,
// cut-offs.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ip_address.h"
#include "core/result.h"
#include "core/token_bucket.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "protocol/api_key.h"
#include "protocol/scope.h"
#include "store/registry_records.h"

namespace countersign::provider {

using store::ClientAuthMethod;
using store::ClientStatus;
using store::SubjectKind;

struct ClientEntry {
  std::string client_id;
  std::string name;
  ClientStatus status = ClientStatus::disabled;
  ClientAuthMethod auth_method = ClientAuthMethod::none;
  protocol::ScopeSet scopes;
  bool certificate_bound_access_tokens = false;
  std::vector<crypto::Sha256Digest> thumbprints;
  std::optional<std::string> subject_dn;
  std::optional<std::string> san_dns;
  std::optional<std::string> san_uri;
  std::optional<IpAddress> san_ip;
  std::vector<Network> networks;
  std::optional<std::chrono::seconds> token_lifetime;
  std::optional<RateLimit> rate_limit;  // in place of the gateway's for every client
  WallTime created_at{};
  mutable TokenBucket bucket;  // of rate limits; goes on when the record changes

  bool active() const { return status == ClientStatus::active; }
  bool has_certificate_rules() const {
    return !thumbprints.empty() || subject_dn || san_dns || san_uri || san_ip;
  }
  // True if every certificate rule that is registered holds for this certificate, and there is one.
  // Does not check that the certificate is trusted, current or not cut off. Fails closed.
  bool owns(const crypto::Certificate& certificate) const;
  // True if no network is registered, or one contains the address.
  bool permits(const IpAddress& address) const;
};

struct KeyEntry {
  std::string key_id;
  std::string client_id;
  protocol::KeyMac mac{};
  uint32_t pepper_version = 0;
  protocol::ScopeSet scopes;  // empty: the client's
  std::optional<crypto::Sha256Digest> thumbprint;
  std::vector<Network> networks;
  WallTime created_at{};
  WallTime not_before{};
  std::optional<WallTime> expires_at;
  std::optional<WallTime> revoked_at;
  mutable TokenBucket bucket;

  bool revoked() const { return revoked_at.has_value(); }
  // not_before <= now < expires_at. Says nothing about revoked().
  bool current(WallTime now) const {
    return now >= not_before && !(expires_at && now >= *expires_at);
  }
  bool permits(const IpAddress& address) const;
};

struct SecretEntry {
  std::string secret_id;
  std::string client_id;
  protocol::KeyMac mac{};
  uint32_t pepper_version = 0;
  WallTime created_at{};
  std::optional<WallTime> expires_at;
  std::optional<WallTime> revoked_at;
  mutable TokenBucket bucket;

  bool revoked() const { return revoked_at.has_value(); }
  bool current(WallTime now) const { return !(expires_at && now >= *expires_at); }
};

struct CutOffEntry {
  WallTime issued_at_or_before{};
  std::optional<WallTime> expires_at;
};

using ClientPtr = std::shared_ptr<const ClientEntry>;
using KeyPtr = std::shared_ptr<const KeyEntry>;
using SecretPtr = std::shared_ptr<const SecretEntry>;

// `registry.bad_record` (corrupt) names the record and the field that does not parse.
Result<ClientPtr> parse_client(const store::ClientRecord& record);
Result<KeyPtr> parse_key(const store::KeyRecord& record);
Result<SecretPtr> parse_secret(const store::SecretRecord& record);

// An x5t#S256 value: 43 characters of base64url that are 32 bytes (`registry.bad_thumbprint`).
Result<crypto::Sha256Digest> parse_thumbprint(std::string_view text);

}  // namespace countersign::provider
