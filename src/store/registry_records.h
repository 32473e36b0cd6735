// What the provider records, as plain values: clients, their credentials, cut-offs, the feed of
// changes, nodes. Nothing here is a secret: credentials are stored as MACs (design: API keys and
// secrets at rest).
//
// The store keeps what it is given. What a name, scope or network may look like is checked by
// provider/registry.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"

namespace countersign::store {

enum class ClientStatus { active, disabled };

// RFC 8414 §2 and RFC 8705 §2.1.1, §2.2.1 name these. `none`: the client never asks for tokens (API
// keys only).
enum class ClientAuthMethod {
  none,
  client_secret_basic,
  client_secret_post,
  tls_client_auth,
  self_signed_tls_client_auth,
};

// Which certificates are this client's. Several thumbprints allow rotation; of the subject rules at
// most one is set.
struct CertificateRules {
  std::vector<std::string> thumbprints;  // x5t#S256: base64url of SHA-256 over the DER certificate;
                                         // each belongs to one client only
  // RFC 8705 §2.1.2, the metadata of tls_client_auth.
  std::optional<std::string> subject_dn;  // RFC 4514 text
  std::optional<std::string> san_dns;
  std::optional<std::string> san_uri;
  std::optional<std::string> san_ip;

  bool empty() const {
    return thumbprints.empty() && !subject_dn && !san_dns && !san_uri && !san_ip;
  }
  friend bool operator==(const CertificateRules&, const CertificateRules&) = default;
};

struct ClientRecord {
  std::string client_id;
  std::string name;  // for people
  ClientStatus status = ClientStatus::active;
  ClientAuthMethod auth_method = ClientAuthMethod::none;  // token_endpoint_auth_method
  std::vector<std::string> scopes;                        // what it may be granted; sorted
  bool certificate_bound_access_tokens = false;           // RFC 8705 §3.4
  CertificateRules certificates;
  std::vector<std::string> networks;                   // CIDR texts it may call from; empty: any
  std::optional<std::chrono::seconds> token_lifetime;  // overrides the issuer's
  WallTime created_at{};

  friend bool operator==(const ClientRecord&, const ClientRecord&) = default;
};

struct KeyRecord {
  std::string key_id;
  std::string client_id;
  Bytes mac;  // HMAC-SHA-256 of the secret part
  int64_t pepper_version = 0;
  std::vector<std::string> scopes;  // a subset of the client's; empty: the client's
  std::optional<std::string>
      certificate_thumbprint;         // x5t#S256 that must be presented with the key
  std::vector<std::string> networks;  // empty: any that the client may use
  WallTime created_at{};
  WallTime not_before{};
  std::optional<WallTime> expires_at;  // not valid at this time or later
  std::optional<WallTime> revoked_at;
  std::string hint;  // the last four characters of the key's text, for people to tell keys apart
  std::string note;

  friend bool operator==(const KeyRecord&, const KeyRecord&) = default;
};

struct SecretRecord {
  std::string secret_id;
  std::string client_id;
  Bytes mac;
  int64_t pepper_version = 0;
  WallTime created_at{};
  std::optional<WallTime> expires_at;
  std::optional<WallTime> revoked_at;
  std::string hint;
  std::string note;

  friend bool operator==(const SecretRecord&, const SecretRecord&) = default;
};

enum class SubjectKind { client, credential, certificate, token };

// "Nothing of this subject issued at or before T is valid."
// Subjects: a client id; a key id or secret id; a certificate's x5t#S256; a token's jti.
struct CutOffRecord {
  SubjectKind kind = SubjectKind::token;
  std::string subject;
  WallTime issued_at_or_before{};
  std::string reason;
  WallTime created_at{};
  std::optional<WallTime>
      expires_at;  // from then on nothing it could hit exists any more; nullopt: it stays

  friend bool operator==(const CutOffRecord&, const CutOffRecord&) = default;
};

// What revoke() is told. For a client the status becomes `disabled`; for a key or a secret
// `revoked_at` is set.
struct Revocation {
  SubjectKind kind = SubjectKind::token;
  std::string subject;
  WallTime issued_at_or_before{};
  std::string reason;
  WallTime revoked_at{};
  std::optional<WallTime> expires_at;
};

enum class ChangedEntity { client, key, secret, cut_off };

// One entry of the feed. It names what changed; the reader loads the current row. A cut-off's id is
// "kind:subject".
struct Change {
  int64_t seq = 0;
  ChangedEntity entity = ChangedEntity::client;
  std::string id;

  friend bool operator==(const Change&, const Change&) = default;
};

struct FeedBatch {
  int64_t head_seq = 0;  // of the newest change there is
  // The changes asked for are gone, or are not those the reader knew (an older copy of the database
  // was put back): the reader must load everything.
  bool must_reload = false;
  std::vector<Change> changes;  // in order of seq
};

// Everything, as of one moment. Expired cut-offs may be among it.
struct RegistryContents {
  int64_t seq = 0;  // the newest change that it includes
  std::vector<ClientRecord> clients;
  std::vector<KeyRecord> keys;
  std::vector<SecretRecord> secrets;
  std::vector<CutOffRecord> cut_offs;
};

// A process that follows the feed. `boot_id` tells a restarted node, or a second one of the same
// name, apart.
struct NodeRecord {
  std::string name;
  std::string boot_id;
  int64_t applied_seq = 0;
  WallTime heartbeat_at{};  // by the store's clock

  friend bool operator==(const NodeRecord&, const NodeRecord&) = default;
};

std::string_view name_of(ClientStatus status);
std::string_view name_of(ClientAuthMethod method);
std::string_view name_of(SubjectKind kind);
std::string_view name_of(ChangedEntity entity);
std::optional<ClientStatus> client_status_of(std::string_view name);
std::optional<ClientAuthMethod> client_auth_method_of(std::string_view name);
std::optional<SubjectKind> subject_kind_of(std::string_view name);
std::optional<ChangedEntity> changed_entity_of(std::string_view name);

// "kind:subject", the id of a cut-off in the feed, and back (nullopt if it is not one).
struct CutOffId {
  SubjectKind kind;
  std::string subject;
};
std::string cut_off_id(SubjectKind kind, std::string_view subject);
std::optional<CutOffId> parse_cut_off_id(std::string_view id);

}  // namespace countersign::store
