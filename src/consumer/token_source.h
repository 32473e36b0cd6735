// TokenSource: where a slot gets its tokens. OAuthTokenSource asks an issuer by the client
// credentials grant.
//
// A refresh token that the issuer gives with the access token is kept in memory and used for the
// next one. Where that is refused, or the provider refused the access token, the client
// authenticates for a new grant in the same attempt.
//
// Makes one attempt at a time and does not retry: when to ask again is the slot's decision, so a
// failure says what kind it is. Every answer that is not a usable token is a failure, whatever its
// status.
//
// RFC 6749 §4.4 (grant), §5 (answers), §6 (refresh); RFC 8707 §2 (resource).

#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consumer/client_authentication.h"
#include "consumer/token.h"
#include "consumer/token_listener.h"
#include "core/clock.h"
#include "core/secret.h"
#include "core/task.h"
#include "http/client.h"

namespace countersign::consumer {

// What a slot wants.
struct FetchRequest {
  BootTime deadline{};
  // The provider refused the token that the last fetch() gave: that one is of no use, wherever it
  // comes from.
  bool last_refused = false;
  // The number under which the granted token will be shared; 0: with nobody. For the log.
  uint64_t claimed = 0;
};

// What the issuer granted, to this process or to one that shares its tokens.
struct TokenGrant {
  Secret access_token;
  // Always positive, at most a year. Absent: the issuer did not say, or not in a way that can be
  // read.
  std::optional<std::chrono::seconds> lifetime = {};
  // From when the lifetime counts, if that is not the start of fetch(): another process asked for
  // this token, earlier. Never later than the moment at which its request began.
  std::optional<Instant> counted_from = {};
};

struct TokenFailure {
  Error error;  // for the log; holds nothing the issuer wrote but a known error code
  // The issuer answered that this client, as configured, gets no token: asking again soon is
  // useless.
  bool permanent = false;
  // RFC 9110 §10.2.3: how long the issuer wants to be left alone.
  std::optional<BootClock::duration> retry_after = {};
};

class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // One attempt, finished by the deadline; while another process asks, waiting for it may take
  // longer, and costs the issuer nothing. Runs on the slot's home executor; one call at a time.
  virtual Task<std::expected<TokenGrant, TokenFailure>> fetch(FetchRequest request) = 0;

  // Whom to tell between fetches; null: nobody. A source that shares with nobody never tells.
  virtual void listen(TokenListener* /*listener*/) {}
  virtual SharingState sharing() const { return {}; }
};

// A place besides the issuer's own origin that a credential may be sent to.
struct IssuerOrigin {
  std::string origin = {};         // "https://mtls.issuer.example:8443", as http::Url::origin()
  http::Client* client = nullptr;  // reaches it, and verifies its name
};

struct OAuthSourceOptions {
  // "https://issuer.example": the identifier, compared byte by byte (RFC 8414 §3.3)
  std::string issuer = {};
  // Path of the token endpoint at the issuer's host. Empty: taken from the issuer's metadata.
  std::string token_path = {};
  // Where else the metadata may say that the token endpoint is.
  std::vector<IssuerOrigin> other_origins = {};
  ClientAuthentication auth;
  bool bound_to_certificate = false;  // the token is to be bound to the certificate (RFC 8705 §3)
  std::vector<std::string> scopes = {};
  std::vector<std::string> resources = {};  // RFC 8707
  // What this issuer wants besides, by name. None of them a parameter of OAuth2: see
  // check_extra_parameters().
  std::map<std::string, std::string> extra_parameters = {};
  // A token answer is a few KiB; a longer one is an endless body or not a token.
  size_t response_bytes_max = 64 * 1024;
};

class IssuerEndpoint;

class OAuthTokenSource final : public TokenSource {
 public:
  // `issuer_client` reaches the issuer and belongs to the home executor; it, the clients of the
  // other origins, `clock` and `entropy` outlive this.
  OAuthTokenSource(http::Client& issuer_client, const Clock& clock, Entropy& entropy,
                   OAuthSourceOptions options);
  ~OAuthTokenSource() override;

  Task<std::expected<TokenGrant, TokenFailure>> fetch(FetchRequest request) override;

 private:
  enum class Grant { client_credentials, refresh_token };
  struct Refusal;
  Task<std::expected<TokenGrant, Refusal>> ask(Grant grant, BootTime deadline);
  Result<http::SimpleRequest> token_request(Grant grant, std::string target) const;
  std::expected<TokenGrant, Refusal> read_answer(const http::SimpleResponse& answer);
  Refusal read_refusal(const http::SimpleResponse& answer) const;

  const Clock& clock_;
  Entropy& entropy_;
  OAuthSourceOptions options_;
  std::unique_ptr<IssuerEndpoint> endpoint_;
  Secret refresh_token_;  // empty: none
};

// `consumer.bad_setting`, naming the parameter: a parameter of OAuth2 (which must not be set past
// the settings that are checked), an empty or unprintable name or value, or too many.
Result<void> check_extra_parameters(const std::map<std::string, std::string>& parameters);

}  // namespace countersign::consumer
