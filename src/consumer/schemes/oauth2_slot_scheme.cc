#include "consumer/schemes/oauth2_slot_scheme.h"

#include <utility>

#include "consumer/schemes/oauth2_settings.h"
#include "consumer/schemes/redact.h"
#include "consumer/slot_identity.h"
#include "consumer/token_sharing.h"
#include "core/ascii.h"
#include "http/challenge.h"

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
      : source_(*parts.issuer, parts.clock, parts.entropy, std::move(source)),
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

}  // namespace

Result<std::unique_ptr<ProcessScheme>> make_oauth2_slot_scheme(const SchemeSettings& settings,
                                                               const SchemeParts& parts,
                                                               std::string_view default_auth,
                                                               bool bound_to_certificate) {
  CS_TRY(OAuthSourceOptions source,
         read_oauth2_settings(settings, parts, default_auth, bound_to_certificate));
  SlotKey key = slot_key_of(source);
  if (bound_to_certificate) key.certificate_thumbprint = parts.certificate_thumbprint;
  SlotOptions slot;
  slot.assumed_lifetime = settings.seconds_or("assumed_lifetime", slot.assumed_lifetime);
  slot.request_timeout = settings.seconds_or(
      "request_timeout", std::chrono::duration_cast<std::chrono::seconds>(slot.request_timeout));
  return std::make_unique<Oauth2ProcessScheme>(std::move(key), std::move(source), slot, parts);
}

}  // namespace countersign::consumer
