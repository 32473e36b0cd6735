// ClientOptions: which API a client calls, how it knows the other end, and how it authenticates.
//
// Every member that has a default says it; what has none must be set. Nothing here is checked until
// Client::create(), which then tells every problem at once.
//
// RFC 6749 §2.3.1, §4.4 (client secrets, client credentials), RFC 7523 §2.2 (private_key_jwt), RFC
// 8705 (certificates), RFC 8707 (resource), RFC 8414 (metadata), RFC 7469 §2.4 (what a pin is).

#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <countersign/export.h>
#include <countersign/secret.h>

namespace countersign::client {
inline namespace v0 {

// Certificates, in PEM: the text, or the file that holds it (at most 1 MiB). Not both.
struct Pem {
  std::string text = {};
  std::filesystem::path file = {};
};

// Who this side is in TLS. Both are needed.
struct Identity {
  Pem certificate_chain = {};  // own certificate first, then the intermediates
  Secret private_key = {};     // PEM, not encrypted; belongs to the first certificate
};

// A fixed key in a header field.
struct ApiKey {
  Secret key = {};
  std::string header = "Authorization";
  // What stands before the key. Absent: "ApiKey " in Authorization, nothing in another field.
  std::optional<std::string> prefix = {};
};

// How the client authenticates to the issuer.
enum class ClientAuthentication {
  client_secret_basic,          // RFC 6749 §2.3.1, in the Authorization field
  client_secret_post,           // the same in the body: only for issuers that cannot do better
  private_key_jwt,              // RFC 7523 §2.2
  tls_client_auth,              // RFC 8705 §2.1
  self_signed_tls_client_auth,  // RFC 8705 §2.2
};

// Access tokens by the client credentials grant, obtained ahead of need and renewed for all threads
// at once. A call with no valid token is not sent.
struct OAuth2 {
  std::string issuer = {};  // its URL, exactly as it names itself: compared byte by byte
  std::string client_id = {};
  ClientAuthentication authentication = ClientAuthentication::tls_client_auth;
  // Tokens are bound to ClientOptions::identity (RFC 8705 §3), so that a stolen one is of no use
  // without its key. False: bearer tokens, which whoever holds them can use.
  bool certificate_bound = true;
  Secret client_secret = {};             // client_secret_basic, client_secret_post
  Secret client_key = {};                // private_key_jwt: PEM, P-256, RSA or Ed25519
  Secret client_key_passphrase = {};     // of an encrypted client_key
  std::string client_key_id = {};        // `kid`; empty: the key's thumbprint (RFC 7638)
  std::vector<std::string> scopes = {};  // none: what the issuer gives by default
  std::string resource = {};             // RFC 8707: the API that the token is for
  // Path of the token endpoint. Empty: taken from the issuer's metadata (RFC 8414).
  std::string token_path = {};
  // Of a token whose issuer does not say. Shorter than what issuers commonly grant.
  std::chrono::seconds assumed_lifetime{300};
  std::chrono::seconds request_timeout{10};  // of a token request
  Pem issuer_trust_anchors = {};             // neither text nor file: the API's
  std::string issuer_connect_to = {};        // as ClientOptions::connect_to, for the issuer's host
};

// Whether and when a call is sent once more, beyond the two repeats that are always made: once on a
// new connection where a kept one turned out to be closed before it took anything, and once with
// a new token where the provider refused the old one.
//
// A repeat is only ever made if it is proven that the provider has not processed the call, if the
// method is safe (GET, HEAD, OPTIONS), or if the call carries an idempotency key and
// `idempotency_key_honoured` says that the provider knows what that is.
struct RetryOptions {
  int retries_max = 0;
  // The first pause, doubled each time up to the second; half of each is left to chance.
  std::chrono::milliseconds backoff_first{100};
  std::chrono::milliseconds backoff_max{2'000};
  // A provider that asks for a longer pause (Retry-After) is not asked again: its answer is the
  // call's outcome.
  std::chrono::milliseconds retry_after_max{5'000};
  // The provider recognises a repeat by its Idempotency-Key and does not act on it again. Only who
  // has read the provider's documentation knows: if it is wrong, a payment can be made twice.
  bool idempotency_key_honoured = false;
};

struct ClientOptions {
  // "https://payments.example" or "https://payments.example:8443": no path, paths come from the
  // calls. Credentials never leave in the clear: http:// is refused.
  std::string base_url = {};
  // "192.0.2.10:8443": connect there in place of looking the URL's host up. The certificate is
  // verified for the URL's host all the same.
  std::string connect_to = {};
  // The CAs of the provider's certificate. The system's store is never consulted.
  Pem trust_anchors = {};
  // Base64 of the SHA-256 over the SubjectPublicKeyInfo of the provider's own key; if there are
  // any, the key must be one of them. Name the next key too before the provider rotates.
  std::vector<std::string> pins = {};
  std::optional<Identity> identity = {};
  std::variant<ApiKey, OAuth2> scheme = {};

  // Of a whole call, from call() to the last byte of its answer: waiting for a token, connecting
  // and repeating included. 1 ms to 1 h.
  std::chrono::milliseconds deadline{30'000};
  // A longer answer is cut off: see Outcome::body_state. 0 to 1 GiB.
  std::size_t response_bytes_max = 1 << 20;
  // Writes (all methods but the safe ones) without a key get one, which the outcome tells.
  bool add_idempotency_key = true;
  RetryOptions retry = {};

  // Threads that do the I/O, 1 to 64: one serves thousands of calls a second. One more thread looks
  // names up.
  int threads = 1;
  int connections_max = 256;          // of each thread; 1 to 100,000
  bool unsafe_allow_tls_1_2 = false;  // for providers that cannot do better
};

}  // namespace v0
}  // namespace countersign::client
