#include "consumer/schemes/oauth2_slot_scheme.h"

#include <array>
#include <utility>

#include "consumer/schemes/redact.h"
#include "consumer/slot_identity.h"
#include "consumer/token_sharing.h"
#include "core/ascii.h"
#include "http/challenge.h"
#include "http/target.h"
#include "protocol/metadata.h"
#include "protocol/scope.h"

namespace countersign::consumer {
namespace {

constexpr std::string_view authorization = "Authorization";

// RFC 6750 §3.1: the token is expired, revoked, malformed or invalid for other reasons; a new one
// may do.
bool says_invalid_token(const http::ResponseHead& answer) {
  for (const http::Field& field : answer.fields) {
    if (!ascii::equal_ignoring_case(field.name, "WWW-Authenticate")) continue;
    const auto challenges = http::parse_challenges(field.value);
    if (!challenges) continue;
    for (const http::Challenge& challenge : *challenges) {
      if (challenge.is("Bearer") && challenge.value("error") == "invalid_token") return true;
    }
  }
  return false;
}

class Oauth2SlotScheme final : public Scheme {
 public:
  Oauth2SlotScheme(TokenSlot& slot, Executor& loop) : reader_(slot, loop) {}

  bool attach(const Instant& now, Attached& out) override {
    std::shared_ptr<const Token> token = reader_.share(now);
    if (!token) return false;
    out.field_name = authorization;
    out.field_value = token->field_value.unsafe_reveal_text();
    out.generation = token->generation;
    out.keep = std::move(token);
    return true;
  }
  Task<std::expected<void, NotReady>> wait_ready(BootTime deadline) override {
    return reader_.wait(deadline);
  }

  AfterRefusal refused(const http::ResponseHead& answer, uint64_t generation) override {
    if (answer.status != 401 || !says_invalid_token(answer)) return AfterRefusal::pass_on;
    reader_.reject(generation);
    return AfterRefusal::repeat;
  }

 private:
  TokenSlot::Reader reader_;
};

class Oauth2ProcessScheme final : public ProcessScheme {
 public:
  Oauth2ProcessScheme(SlotKey key, OAuthSourceOptions source, SlotOptions slot,
                      const SchemeParts& parts)
      : source_(*parts.issuer, parts.clock, std::move(source)),
        shared_(parts.sharing ? parts.sharing->share(key, source_, slot) : nullptr),
        slot_(std::move(key), shared_ ? *shared_ : source_, parts.home, parts.clock, parts.entropy,
              slot) {}

  void start() override { slot_.start(); }
  std::unique_ptr<Scheme> for_loop(Executor& loop) override {
    return std::make_unique<Oauth2SlotScheme>(slot_, loop);
  }
  std::string_view field_name() const override { return authorization; }
  std::string redacted(std::string_view field_value) const override {
    constexpr std::string_view prefix = "Bearer ";
    if (!field_value.starts_with(prefix)) return redacted_token(field_value);
    return std::string(prefix) + redacted_token(field_value.substr(prefix.size()));
  }
  const TokenSlot* slot() const override { return &slot_; }

 private:
  OAuthTokenSource source_;
  std::unique_ptr<TokenSource> shared_;  // null: tokens are this process's own
  TokenSlot slot_;
};

constexpr std::array<SettingSpec, 7> settings_table{{
    {.key = "issuer", .required = true, .help = "the issuer's URL, exactly as it names itself"},
    {.key = "token_path",
     .help =
         "path of the token endpoint at the issuer; default: taken from its metadata (RFC 8414)"},
    {.key = "client_id", .required = true, .help = "the client's id at the issuer"},
    {.key = "scopes",
     .kind = SettingSpec::Kind::list,
     .help = "scopes to ask for; default: the issuer's"},
    {.key = "resource", .help = "the API the token is for (RFC 8707); default: the issuer's"},
    {.key = "assumed_lifetime",
     .kind = SettingSpec::Kind::seconds,
     .help = "seconds a token is taken to live if the issuer does not say; default 300"},
    {.key = "request_timeout",
     .kind = SettingSpec::Kind::seconds,
     .help = "seconds a token request may take; default 10"},
}};

std::unexpected<Error> bad_setting(std::string_view text) {
  return fail(ErrorKind::misconfigured, "consumer.bad_setting", text);
}

}  // namespace

std::span<const SettingSpec> oauth2_settings() {
  return settings_table;
}

Result<std::unique_ptr<ProcessScheme>> make_oauth2_slot_scheme(const SchemeSettings& settings,
                                                               const SchemeParts& parts,
                                                               ClientAuthMethod auth,
                                                               bool bound_to_certificate) {
  OAuthSourceOptions source{.issuer = settings.text_or("issuer", ""),
                            .token_path = settings.text_or("token_path", ""),
                            .client_id = settings.text_or("client_id", ""),
                            .auth = auth,
                            .client_secret = settings.secret("client_secret"),
                            .scopes = settings.list("scopes"),
                            .resource = settings.text_or("resource", "")};
  if (!protocol::check_issuer(source.issuer))
    return bad_setting("issuer: not an https URL without query");
  if (!source.token_path.empty() && !http::parse_canonical_path(source.token_path)) {
    return bad_setting("token_path: not a canonical path");
  }
  if (source.client_id.empty()) return bad_setting("client_id: empty");
  if (!protocol::ScopeSet::from_names(source.scopes))
    return bad_setting("scopes: not scopes (RFC 6749 §3.3)");
  const bool has_secret = !source.client_secret.empty();
  const bool takes_secret = auth == ClientAuthMethod::client_secret_basic;
  if (has_secret != takes_secret) {
    return bad_setting(takes_secret ? "client_secret: missing"
                                    : "client_secret: not used with this client_auth");
  }
  const SlotKey key{.issuer = source.issuer,
                    .client_id = source.client_id,
                    .credential_version = has_secret ? credential_version_of(source.client_secret)
                                                     : parts.credential_version,
                    .scopes = source.scopes,
                    .resource = source.resource,
                    .certificate_thumbprint =
                        bound_to_certificate ? parts.certificate_thumbprint : std::string()};
  SlotOptions slot;
  slot.assumed_lifetime = settings.seconds_or("assumed_lifetime", slot.assumed_lifetime);
  slot.request_timeout = settings.seconds_or(
      "request_timeout", std::chrono::duration_cast<std::chrono::seconds>(slot.request_timeout));
  return std::make_unique<Oauth2ProcessScheme>(key, std::move(source), slot, parts);
}

}  // namespace countersign::consumer
