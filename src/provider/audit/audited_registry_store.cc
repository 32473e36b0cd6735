#include "provider/audit/audited_registry_store.h"

#include <fmt/format.h>

namespace countersign::provider {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : " ") + part;
  return all;
}

}  // namespace

AuditRecord AuditedRegistryStore::line_of(AuditEvent event, const Change& change) const {
  AuditRecord line;
  line.event = event;
  line.client = change.client;
  line.actor = actor_;
  line.action = change.action;
  line.subject = change.subject;
  line.detail = change.detail;
  return line;
}

template <typename Make>
Result<int64_t> AuditedRegistryStore::make(const Change& change, const Make& make_it) {
  CS_CHECK(log_.record(line_of(AuditEvent::change_begun, change)));
  Result<int64_t> made = make_it();
  AuditRecord line = line_of(AuditEvent::change, change);
  line.outcome = made ? AuditOutcome::allow : AuditOutcome::deny;
  const std::string detail =
      made ? fmt::format("{}{}seq {}", change.detail, change.detail.empty() ? "" : "; ", *made)
           : made.error().for_log();
  line.detail = detail;
  if (!made) line.reason = made.error().code;
  const auto written = log_.record(line);
  if (made && !written) {
    return fail(ErrorKind::unavailable, "audit.change_end_unrecorded",
                "The change is made, but the audit log says only that it began: its end could not "
                "be recorded. What it would have shown is not shown.",
                detail + ": " + written.error().for_log());
  }
  return made;
}

Result<int64_t> AuditedRegistryStore::add_client(const store::ClientRecord& client) {
  const Change change{
      .action = "add_client",
      .subject = client.client_id,
      .client = client.client_id,
      .detail = fmt::format("{}; scopes {}", name_of(client.auth_method), join(client.scopes))};
  return make(change, [&] { return store_.add_client(client); });
}

Result<int64_t> AuditedRegistryStore::add_key(const store::KeyRecord& key) {
  const Change change{.action = "add_key",
                      .subject = key.key_id,
                      .client = key.client_id,
                      .detail = "scopes " + join(key.scopes)};
  return make(change, [&] { return store_.add_key(key); });
}

Result<int64_t> AuditedRegistryStore::add_secret(const store::SecretRecord& secret) {
  const Change change{
      .action = "add_secret", .subject = secret.secret_id, .client = secret.client_id};
  return make(change, [&] { return store_.add_secret(secret); });
}

Result<int64_t> AuditedRegistryStore::revoke(const store::Revocation& revocation) {
  const bool is_client = revocation.kind == store::SubjectKind::client;
  const Change change{.action = "revoke",
                      .subject = revocation.subject,
                      .client = is_client ? std::string_view(revocation.subject) : "",
                      .detail = fmt::format("{}: {}", name_of(revocation.kind), revocation.reason)};
  return make(change, [&] { return store_.revoke(revocation); });
}

}  // namespace countersign::provider
