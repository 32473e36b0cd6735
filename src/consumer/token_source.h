// TokenSource: where a slot gets its tokens. OAuthTokenSource asks an issuer by the client
// credentials grant.
//
// Makes one attempt at a time and does not retry: when to ask again is the slot's decision, so a
// failure says what kind it is. Every answer that is not a usable token is a failure, whatever its
// status.
//
// RFC 6749 §4.4 (grant), §2.3.1 (client_secret_basic), §5 (answers); RFC 8705 §2 (tls_client_auth);
// RFC 8414 (metadata); RFC 8707 (resource).

#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  // One attempt, finished by the deadline. Runs on the slot's home executor; one call at a time.
  virtual Task<std::expected<TokenGrant, TokenFailure>> fetch(FetchRequest request) = 0;

  // Whom to tell between fetches; null: nobody. A source that shares with nobody never tells.
  virtual void listen(TokenListener* /*listener*/) {}
  virtual SharingState sharing() const { return {}; }
};

enum class ClientAuthMethod {
  client_secret_basic,  // RFC 6749 §2.3.1
  tls_client_auth,  // RFC 8705 §2.1: the TLS layer shows the certificate, the body names the client
  self_signed_tls_client_auth,  // RFC 8705 §2.2: the same on the wire
};
std::string_view name_of(ClientAuthMethod method);

struct OAuthSourceOptions {
  std::string issuer =
      {};  // "https://issuer.example": the identifier, compared byte by byte (RFC 8414 §3.3)
  // Path of the token endpoint at the issuer's host. Empty: taken from the issuer's metadata (RFC
  // 8414), whose `issuer` must be equal to `issuer` and whose endpoint must be at the issuer's own
  // origin.
  std::string token_path = {};
  std::string client_id = {};
  ClientAuthMethod auth = ClientAuthMethod::client_secret_basic;
  Secret client_secret = {};  // client_secret_basic only
  std::vector<std::string> scopes = {};
  std::string resource = {};
  // A token answer is a few KiB; a longer one is an endless body or not a token.
  size_t response_bytes_max = 64 * 1024;
};

class OAuthTokenSource final : public TokenSource {
 public:
  // `issuer_client` reaches the issuer and belongs to the home executor; both outlive this. `clock`
  // reads HTTP dates.
  OAuthTokenSource(http::Client& issuer_client, const Clock& clock, OAuthSourceOptions options);

  Task<std::expected<TokenGrant, TokenFailure>> fetch(FetchRequest request) override;

 private:
  Task<std::expected<std::string, TokenFailure>> token_target(BootTime deadline);
  std::expected<std::string, TokenFailure> read_metadata(const http::SimpleResponse& answer) const;
  http::SimpleRequest token_request(std::string target) const;
  std::expected<TokenGrant, TokenFailure> read_answer(const http::SimpleResponse& answer) const;
  TokenFailure read_refusal(const http::SimpleResponse& answer) const;

  http::Client& client_;
  const Clock& clock_;
  OAuthSourceOptions options_;
  std::string discovered_target_;  // kept after the first success
};

}  // namespace countersign::consumer
