#include "store/registry_schema.h"

#include <array>

namespace countersign::store {
namespace {

// Times are microseconds since 1970. Lists (scopes, networks) are separated by single spaces, which
// no element holds.
constexpr std::array<Migration, 1> registry{{
    {1, "registry", R"sql(
CREATE TABLE clients (
  client_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'disabled')),
  auth_method TEXT NOT NULL,
  scopes TEXT NOT NULL,
  certificate_bound INTEGER NOT NULL CHECK (certificate_bound IN (0, 1)),
  subject_dn TEXT,
  san_dns TEXT,
  san_uri TEXT,
  san_ip TEXT,
  networks TEXT NOT NULL,
  token_lifetime_seconds INTEGER CHECK (token_lifetime_seconds > 0),
  created_at INTEGER NOT NULL
) STRICT;

-- A certificate identifies one client, so that whom it authenticates is never a matter of order.
CREATE TABLE client_certificates (
  thumbprint TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (client_id)
) STRICT;
CREATE INDEX client_certificates_by_client ON client_certificates (client_id);

CREATE TABLE api_keys (
  key_id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (client_id),
  mac BLOB NOT NULL CHECK (length(mac) = 32),
  pepper_version INTEGER NOT NULL,
  scopes TEXT NOT NULL,
  certificate_thumbprint TEXT,
  networks TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  hint TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;
CREATE INDEX api_keys_by_client ON api_keys (client_id);

CREATE TABLE client_secrets (
  secret_id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (client_id),
  mac BLOB NOT NULL CHECK (length(mac) = 32),
  pepper_version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  hint TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

CREATE TABLE cut_offs (
  kind TEXT NOT NULL CHECK (kind IN ('client', 'credential', 'certificate', 'token')),
  subject TEXT NOT NULL,
  issued_at_or_before INTEGER NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX cut_offs_by_expiry ON cut_offs (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE feed (
  seq INTEGER PRIMARY KEY,
  entity TEXT NOT NULL CHECK (entity IN ('client', 'key', 'secret', 'cut_off')),
  id TEXT NOT NULL
) STRICT;

-- One row. Its lock orders the writers: a seq is taken and its change becomes visible in one transaction, so that a
-- reader never sees seq n + 1 before seq n.
CREATE TABLE feed_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  trimmed_to INTEGER NOT NULL
) STRICT;
INSERT INTO feed_head (one, seq, trimmed_to) VALUES (1, 0, 0);
)sql"},
}};

constexpr std::array<Migration, 1> nodes{{
    {1, "nodes", R"sql(
CREATE TABLE nodes (
  name TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  applied_seq INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL,
  PRIMARY KEY (name, boot_id)
) STRICT, WITHOUT ROWID;
)sql"},
}};

}  // namespace

std::span<const Migration> registry_migrations() {
  return registry;
}
std::span<const Migration> node_migrations() {
  return nodes;
}

}  // namespace countersign::store
