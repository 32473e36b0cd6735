#include "cli/registry_commands.h"

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <thread>

#include "cli/gateway_config.h"
#include "cli/operator_name.h"
#include "cli/output.h"
#include "core/duration.h"
#include "core/log.h"
#include "core/text_file.h"
#include "crypto/certificate.h"
#include "provider/audit/audited_registry_store.h"
#include "provider/issuer/token_factory.h"
#include "provider/registry/registry_admin.h"
#include "provider/schemes/access_token.h"
#include "store/receipt.h"
#include "store/sqlite_registry_store.h"

namespace countersign::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The record, opened for one command. What the command changes is in the audit log, with the
// operator's name, before it says that it is done.
class Record final {
 public:
  static Result<std::unique_ptr<Record>> open(const CommonOptions& common) {
    return open(common, /*changes=*/true);
  }
  // For commands that only look: they need no right to write the audit log.
  static Result<std::unique_ptr<Record>> open_to_read(const CommonOptions& common) {
    return open(common, /*changes=*/false);
  }
  provider::RegistryAdmin& admin() { return *admin_; }
  const Clock& clock() const { return clock_; }

  Result<store::Receipt> wait_for(int64_t seq, milliseconds patience) {
    const auto sleep = [](std::chrono::nanoseconds pause) { std::this_thread::sleep_for(pause); };
    return store::wait_for_receipt(*store_, seq, clock_.boot_now() + patience, clock_, sleep);
  }

 private:
  explicit Record(RecordConfig config) : config_(std::move(config)) {}

  static Result<std::unique_ptr<Record>> open(const CommonOptions& common, bool changes) {
    CS_TRY(RecordConfig config, load_record_config(common));
    auto record = std::unique_ptr<Record>(new Record(std::move(config)));
    CS_TRY(record->store_,
           store::SqliteRegistryStore::open(record->config_.store_path, record->clock_));
    store::RegistryStore* changed = record->store_.get();
    if (changes) {
      const RecordConfig& of = record->config_;
      CS_TRY(auto file, open_audit_file(of.audit, of.node, record->clock_));
      record->log_ =
          std::make_unique<provider::FileChangeLog>(std::move(file), of.node, record->clock_);
      record->audited_ = std::make_unique<provider::AuditedRegistryStore>(
          *record->store_, *record->log_, operator_name(process_environment()));
      changed = record->audited_.get();
    }
    record->admin_ = std::make_unique<provider::RegistryAdmin>(
        *changed, record->config_.peppers, record->clock_, record->entropy_,
        provider::RegistryAdminOptions{.environment = record->config_.environment,
                                       .token_lifetime_max = record->config_.token_lifetime_max});
    return record;
  }

  RecordConfig config_;
  SystemClock clock_;
  SystemEntropy entropy_;
  std::unique_ptr<store::SqliteRegistryStore> store_;
  std::unique_ptr<provider::FileChangeLog> log_;
  std::unique_ptr<provider::AuditedRegistryStore> audited_;
  std::unique_ptr<provider::RegistryAdmin> admin_;
};

Result<std::string> thumbprint_of_file(const std::string& path) {
  CS_TRY(const std::string pem, read_text_file(path));
  CS_TRY(const auto chain, crypto::parse_certificates_pem(pem));
  return encode_base64url(chain.front().thumbprint);
}

Result<std::optional<seconds>> lifetime_of(std::string_view flag, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto duration = parse_duration(text);
  if (!duration || *duration < seconds(1)) {
    return fail(ErrorKind::invalid_input, "cli.bad_flag",
                std::string(flag) + ": expected a duration such as 5m or 90d");
  }
  return duration_cast<seconds>(*duration);
}

std::optional<std::string> if_given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

// A new credential must work when the command returns, and a revoked one must not.
Result<void> confirm(Record& record, int64_t seq, milliseconds wait, OutputRecord& out) {
  CS_TRY(const store::Receipt receipt, record.wait_for(seq, wait));
  std::vector<std::string> confirmed;
  microseconds slowest{0};
  for (const store::Confirmation& confirmation : receipt.confirmed) {
    confirmed.push_back(confirmation.node);
    slowest = std::max(slowest, confirmation.after);
  }
  out.list("confirmed_by", confirmed);
  if (!confirmed.empty()) out.number("confirmed_after_us", slowest.count());
  if (receipt.complete()) return {};
  out.list("not_confirmed_by", receipt.missing);
  std::string nodes;
  for (const std::string& node : receipt.missing) nodes += (nodes.empty() ? "" : ", ") + node;
  return fail(ErrorKind::unavailable, "cli.not_confirmed",
              "recorded, but these gateways have not confirmed it: " + nodes +
                  "; they refuse writes by themselves once they have not heard from the record for "
                  "max_staleness");
}

// Prints even if the receipt is incomplete: what was done is done, and a new key is shown only
// here.
Result<void> finish(const CommonOptions& common, Record& record, int64_t seq, milliseconds wait,
                    OutputRecord out) {
  auto confirmed = confirm(record, seq, wait, out);
  print(out, common.output);
  return confirmed;
}

std::string time_or_dash(const std::optional<WallTime>& time) {
  return time ? format_time(*time) : std::string();
}

}  // namespace

Result<void> add_client(const CommonOptions& common, const ClientAddFlags& flags) {
  provider::NewClient client{.client_id = flags.id, .name = flags.name};
  const auto method = store::client_auth_method_of(flags.auth_method);
  if (!method) {
    return fail(
        ErrorKind::invalid_input, "cli.bad_flag",
        "--auth: expected none, client_secret_basic, client_secret_post, tls_client_auth or "
        "self_signed_tls_client_auth");
  }
  client.auth_method = *method;
  client.scopes = flags.scopes;
  client.networks = flags.networks;
  client.certificate_bound_access_tokens = flags.certificate_bound_tokens;
  client.certificates.thumbprints = flags.thumbprints;
  for (const std::string& path : flags.certificates) {
    CS_TRY(std::string thumbprint, thumbprint_of_file(path));
    client.certificates.thumbprints.push_back(std::move(thumbprint));
  }
  client.certificates.subject_dn = if_given(flags.subject_dn);
  client.certificates.san_dns = if_given(flags.san_dns);
  client.certificates.san_uri = if_given(flags.san_uri);
  client.certificates.san_ip = if_given(flags.san_ip);
  CS_TRY(client.token_lifetime, lifetime_of("--token-lifetime", flags.token_lifetime));

  CS_TRY(const auto record, Record::open(common));
  CS_TRY(const provider::AddedClient added, record->admin().add_client(client));
  OutputRecord out;
  out.text("client_id", added.client.client_id).text("name", added.client.name);
  out.text("auth_method", store::name_of(added.client.auth_method))
      .list("scopes", added.client.scopes);
  int64_t seq = added.seq;
  const bool has_secret = *method == store::ClientAuthMethod::client_secret_basic ||
                          *method == store::ClientAuthMethod::client_secret_post;
  if (has_secret) {
    CS_TRY(const provider::IssuedSecret secret,
           record->admin().issue_client_secret({.client_id = added.client.client_id}));
    out.text("secret_id", secret.secret.secret_id)
        .text("client_secret", secret.text.unsafe_reveal_text());
    seq = secret.seq;
  }
  return finish(common, *record, seq, milliseconds(5000), std::move(out));
}

Result<void> list_clients(const CommonOptions& common) {
  CS_TRY(const auto record, Record::open_to_read(common));
  CS_TRY(const auto clients, record->admin().list_clients());
  std::vector<OutputRecord> rows;
  for (const store::ClientRecord& client : clients) {
    rows.push_back(OutputRecord()
                       .text("client_id", client.client_id)
                       .text("name", client.name)
                       .text("status", store::name_of(client.status))
                       .text("auth_method", store::name_of(client.auth_method))
                       .list("scopes", client.scopes)
                       .list("networks", client.networks)
                       .boolean("certificate_bound_tokens", client.certificate_bound_access_tokens)
                       .text("created_at", format_time(client.created_at)));
  }
  print(rows, common.output);
  return {};
}

Result<void> disable_client(const CommonOptions& common, const RevokeFlags& flags) {
  CS_TRY(const auto record, Record::open(common));
  CS_TRY(const int64_t seq, record->admin().disable_client(flags.subject, flags.reason));
  OutputRecord out;
  out.text("client_id", flags.subject).text("status", "disabled").number("seq", seq);
  return finish(common, *record, seq, flags.wait, std::move(out));
}

Result<void> issue_key(const CommonOptions& common, const KeyIssueFlags& flags) {
  provider::NewKey request{.client_id = flags.client, .scopes = flags.scopes};
  request.networks = flags.networks;
  request.note = flags.note;
  request.certificate_thumbprint = if_given(flags.thumbprint);
  if (!flags.certificate.empty()) {
    CS_TRY(request.certificate_thumbprint, thumbprint_of_file(flags.certificate));
  }
  CS_TRY(const auto lifetime, lifetime_of("--expires-in", flags.lifetime));
  CS_TRY(const auto record, Record::open(common));
  if (lifetime) request.expires_at = record->clock().wall_now() + *lifetime;
  CS_TRY(const provider::IssuedKey issued, record->admin().issue_key(request));
  OutputRecord out;
  out.text("key_id", issued.key.key_id).text("client_id", issued.key.client_id);
  out.text("expires_at", time_or_dash(issued.key.expires_at))
      .text("api_key", issued.text.unsafe_reveal_text());
  return finish(common, *record, issued.seq, milliseconds(5000), std::move(out));
}

Result<void> list_keys(const CommonOptions& common, const std::string& client) {
  CS_TRY(const auto record, Record::open_to_read(common));
  CS_TRY(const auto keys, record->admin().list_keys(client));
  std::vector<OutputRecord> rows;
  for (const store::KeyRecord& key : keys) {
    rows.push_back(OutputRecord()
                       .text("key_id", key.key_id)
                       .text("client_id", key.client_id)
                       .text("ends_with", key.hint)
                       .list("scopes", key.scopes)
                       .text("certificate", key.certificate_thumbprint.value_or(""))
                       .list("networks", key.networks)
                       .text("created_at", format_time(key.created_at))
                       .text("expires_at", time_or_dash(key.expires_at))
                       .text("revoked_at", time_or_dash(key.revoked_at))
                       .text("note", key.note));
  }
  print(rows, common.output);
  return {};
}

Result<void> revoke_key(const CommonOptions& common, const RevokeFlags& flags) {
  CS_TRY(const auto record, Record::open(common));
  CS_TRY(const int64_t seq, record->admin().revoke_key(flags.subject, flags.reason));
  OutputRecord out;
  out.text("key_id", flags.subject).text("status", "revoked").number("seq", seq);
  return finish(common, *record, seq, flags.wait, std::move(out));
}

namespace {

Result<std::string> read_token(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file)
      return fail(ErrorKind::invalid_input, "cli.unreadable_file", path + ": cannot be read");
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text(16 * 1024, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// A token of our own issuer, still valid: its id and end. Someone else's text is refused.
Result<provider::RevokeToken> token_in_file(const CommonOptions& common, const std::string& path,
                                            WallTime now) {
  CS_TRY(const GatewayConfig config, load_gateway_config(common));
  CS_TRY(const std::string text, read_token(path));
  provider::TokenTrust trust;
  CS_TRY(trust.keys, provider::public_keys_of(config.signing_keys));
  trust.rules.issuer = config.issuer;
  trust.rules.audience = config.audience;
  trust.rules.typ = jose::access_token_typ;
  CS_TRY(const jose::VerifiedToken token, jose::verify_token(text, trust.keys, trust.rules, now));
  return provider::RevokeToken{.jti = token.jwt_id(), .expires_at = token.expires_at()};
}

}  // namespace

Result<void> revoke_token(const CommonOptions& common, const TokenRevokeFlags& flags) {
  CS_TRY(const auto record, Record::open(common));
  provider::RevokeToken request{.jti = flags.jti};
  if (!flags.token_file.empty()) {
    CS_TRY(request, token_in_file(common, flags.token_file, record->clock().wall_now()));
  }
  request.reason = flags.reason;
  CS_TRY(const int64_t seq, record->admin().revoke_token(request));
  OutputRecord out;
  out.text("jti", request.jti).text("status", "revoked").number("seq", seq);
  return finish(common, *record, seq, flags.wait, std::move(out));
}

}  // namespace countersign::cli
