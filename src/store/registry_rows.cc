#include "store/registry_rows.h"

#include <algorithm>
#include <utility>

namespace countersign::store {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ' ';
    text += part;
  }
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    parts.emplace_back(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return parts;
}

std::unexpected<Error> unknown_name(std::string_view field, std::string_view value) {
  return fail(
      ErrorKind::corrupt, "store.corrupt", "stored data is damaged",
      std::string(field) + " \"" + std::string(value) + "\" is none that this program knows");
}

}  // namespace

constinit const std::string_view select_clients =
    "SELECT client_id, name, status, auth_method, scopes, certificate_bound, "
    "(SELECT group_concat(thumbprint, ' ') FROM client_certificates c "
    " WHERE c.client_id = clients.client_id), "
    "subject_dn, san_dns, san_uri, san_ip, networks, token_lifetime_seconds, created_at FROM "
    "clients ";

constinit const std::string_view select_keys =
    "SELECT key_id, client_id, mac, pepper_version, scopes, certificate_thumbprint, networks, "
    "created_at, not_before, expires_at, revoked_at, hint, note FROM api_keys ";

constinit const std::string_view select_secrets =
    "SELECT secret_id, client_id, mac, pepper_version, created_at, expires_at, revoked_at, hint, "
    "note "
    "FROM client_secrets ";

constinit const std::string_view select_cut_offs =
    "SELECT kind, subject, issued_at_or_before, reason, created_at, expires_at FROM cut_offs ";

Result<ClientRecord> read_client(Statement& row) {
  ClientRecord client;
  client.client_id = row.text(0);
  client.name = row.text(1);
  const std::string status = row.text(2);
  const std::string method = row.text(3);
  client.scopes = split(row.text(4));
  client.certificate_bound_access_tokens = row.boolean(5);
  client.certificates.thumbprints = split(row.optional_text(6).value_or(""));
  std::ranges::sort(client.certificates.thumbprints);  // group_concat promises no order
  client.certificates.subject_dn = row.optional_text(7);
  client.certificates.san_dns = row.optional_text(8);
  client.certificates.san_uri = row.optional_text(9);
  client.certificates.san_ip = row.optional_text(10);
  client.networks = split(row.text(11));
  if (const auto seconds = row.optional_integer(12)) {
    client.token_lifetime = std::chrono::seconds(*seconds);
  }
  client.created_at = row.time(13);
  CS_CHECK(row.check_row());
  const auto known_status = client_status_of(status);
  if (!known_status) return unknown_name("status", status);
  const auto known_method = client_auth_method_of(method);
  if (!known_method) return unknown_name("auth_method", method);
  client.status = *known_status;
  client.auth_method = *known_method;
  return client;
}

Result<KeyRecord> read_key(Statement& row) {
  KeyRecord key;
  key.key_id = row.text(0);
  key.client_id = row.text(1);
  key.mac = row.blob(2);
  key.pepper_version = row.integer(3);
  key.scopes = split(row.text(4));
  key.certificate_thumbprint = row.optional_text(5);
  key.networks = split(row.text(6));
  key.created_at = row.time(7);
  key.not_before = row.time(8);
  key.expires_at = row.optional_time(9);
  key.revoked_at = row.optional_time(10);
  key.hint = row.text(11);
  key.note = row.text(12);
  CS_CHECK(row.check_row());
  return key;
}

Result<SecretRecord> read_secret(Statement& row) {
  SecretRecord secret;
  secret.secret_id = row.text(0);
  secret.client_id = row.text(1);
  secret.mac = row.blob(2);
  secret.pepper_version = row.integer(3);
  secret.created_at = row.time(4);
  secret.expires_at = row.optional_time(5);
  secret.revoked_at = row.optional_time(6);
  secret.hint = row.text(7);
  secret.note = row.text(8);
  CS_CHECK(row.check_row());
  return secret;
}

Result<CutOffRecord> read_cut_off(Statement& row) {
  CutOffRecord cut_off;
  const std::string kind = row.text(0);
  cut_off.subject = row.text(1);
  cut_off.issued_at_or_before = row.time(2);
  cut_off.reason = row.text(3);
  cut_off.created_at = row.time(4);
  cut_off.expires_at = row.optional_time(5);
  CS_CHECK(row.check_row());
  const auto known_kind = subject_kind_of(kind);
  if (!known_kind) return unknown_name("kind", kind);
  cut_off.kind = *known_kind;
  return cut_off;
}

Result<void> insert_client(Database& database, const ClientRecord& client) {
  std::optional<int64_t> lifetime;
  if (client.token_lifetime) lifetime = client.token_lifetime->count();
  const CertificateRules& rules = client.certificates;
  return database.run(
      "INSERT INTO clients (client_id, name, status, auth_method, scopes, certificate_bound, "
      "subject_dn, san_dns, san_uri, san_ip, networks, token_lifetime_seconds, created_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
      client.client_id, client.name, name_of(client.status), name_of(client.auth_method),
      join(client.scopes), client.certificate_bound_access_tokens, rules.subject_dn, rules.san_dns,
      rules.san_uri, rules.san_ip, join(client.networks), lifetime, client.created_at);
}

Result<void> insert_certificates(Database& database, const ClientRecord& client) {
  for (const std::string& thumbprint : client.certificates.thumbprints) {
    CS_CHECK(database.run("INSERT INTO client_certificates (thumbprint, client_id) VALUES (?1, ?2)",
                          thumbprint, client.client_id));
  }
  return {};
}

Result<void> insert_key(Database& database, const KeyRecord& key) {
  return database.run(
      "INSERT INTO api_keys (key_id, client_id, mac, pepper_version, scopes, "
      "certificate_thumbprint, "
      "networks, created_at, not_before, expires_at, revoked_at, hint, note) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
      key.key_id, key.client_id, ByteView(key.mac), key.pepper_version, join(key.scopes),
      key.certificate_thumbprint, join(key.networks), key.created_at, key.not_before,
      key.expires_at, key.revoked_at, key.hint, key.note);
}

Result<void> insert_secret(Database& database, const SecretRecord& secret) {
  return database.run(
      "INSERT INTO client_secrets (secret_id, client_id, mac, pepper_version, created_at, "
      "expires_at, "
      "revoked_at, hint, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
      secret.secret_id, secret.client_id, ByteView(secret.mac), secret.pepper_version,
      secret.created_at, secret.expires_at, secret.revoked_at, secret.hint, secret.note);
}

Result<void> merge_cut_off(Database& database, const Revocation& revocation) {
  // SQLite's max() of two values is NULL if one is: an expiry that is absent ("it stays") wins.
  return database.run(
      "INSERT INTO cut_offs (kind, subject, issued_at_or_before, reason, created_at, expires_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (kind, subject) DO UPDATE SET "
      "issued_at_or_before = max(issued_at_or_before, excluded.issued_at_or_before), "
      "reason = excluded.reason, expires_at = max(expires_at, excluded.expires_at)",
      name_of(revocation.kind), revocation.subject, revocation.issued_at_or_before,
      revocation.reason, revocation.revoked_at, revocation.expires_at);
}

}  // namespace countersign::store
