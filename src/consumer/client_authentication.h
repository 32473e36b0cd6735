// How this client proves to an issuer who it is: one row a method, and the credential that the
// method shows.
//
// A credential is shown to the issuer's token endpoint and nowhere else; who may receive it is
// decided before (issuer_endpoint.h). Certificates are shown by TLS: the clients that are handed
// over for the token endpoint connect with the one that this client is registered with.
//
// RFC 6749 §2.3.1 (client_secret_basic, client_secret_post), RFC 7523 §2.2 (private_key_jwt),
// RFC 8705 §2 (tls_client_auth, self_signed_tls_client_auth).

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"
#include "core/secret.h"
#include "crypto/key.h"
#include "http/client.h"
#include "protocol/client_assertion.h"

namespace countersign::consumer {

// What of these is empty is not there.
struct ClientCredential {
  std::string client_id = {};
  Secret secret = {};
  std::optional<crypto::PrivateKey> key = {};
  std::string key_id = {};  // `kid` of assertions; empty: the key's thumbprint (RFC 7638 §3)
  std::string certificate_thumbprint = {};  // x5t#S256 of the certificate that TLS shows
};

struct ClientAuthMethod;
std::span<const ClientAuthMethod> client_auth_methods();
// Null if there is none of this name.
const ClientAuthMethod* find_client_auth_method(std::string_view name);

class ClientAuthentication final {
 public:
  // `consumer.bad_setting` (misconfigured), naming the setting: what the method needs is missing,
  // something is there that it does not use, or an id or secret cannot be sent.
  static Result<ClientAuthentication> create(const ClientAuthMethod& method,
                                             ClientCredential credential);

  // Completes a token request for the issuer `issuer`: an Authorization field, or parameters at the
  // end of the form. The request then holds the credential: http::fetch() wipes it. Fails only if
  // signing does.
  Result<void> add_to(http::SimpleRequest& request, std::string_view issuer, WallTime now,
                      Entropy& entropy) const;

  const std::string& client_id() const { return credential_.client_id; }
  std::string_view method_name() const;  // as in metadata: "private_key_jwt"
  // The method is a certificate: RFC 8705 §5 applies.
  bool by_certificate() const;
  // The JOSE name of the algorithm that signs; empty if nothing is signed.
  std::string_view signing_algorithm() const;

  // The same on every host that has the same credential for the same issuer, another one for every
  // other credential. Tells nothing of a secret but whether a guess of it is right, and each guess
  // costs milliseconds.
  uint64_t version(std::string_view issuer) const;

 private:
  friend struct ClientAuthMethod;
  ClientAuthentication(const ClientAuthMethod& method, ClientCredential credential);
  const ClientAuthMethod* method_;
  ClientCredential credential_;  // without its key, which the writer has
  std::optional<protocol::ClientAssertionWriter> assertions_;
};

// One row. Nothing below the table asks for a method's name.
struct ClientAuthMethod {
  std::string_view name;
  enum class Shows { secret, signature, certificate };
  Shows shows;
  // What goes into the request.
  Result<void> (*add)(const ClientCredential& credential,
                      const protocol::ClientAssertionWriter* assertions, std::string_view issuer,
                      WallTime now, Entropy& entropy, http::SimpleRequest& request);
};

}  // namespace countersign::consumer
