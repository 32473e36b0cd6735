#include "consumer/client_authentication.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/bytes.h"
#include "crypto/digest.h"
#include "http/credentials.h"
#include "http/form.h"

namespace countersign::consumer {
namespace {

using Shows = ClientAuthMethod::Shows;
constexpr size_t client_id_bytes_max = 256;
constexpr size_t secret_bytes_max = 4096;
// Some milliseconds for whoever guesses at a secret that a human made up, and once for us.
constexpr int secret_digest_rounds = 10'000;

std::unexpected<Error> bad_setting(std::string_view text) {
  return fail(ErrorKind::misconfigured, "consumer.bad_setting", text);
}

// RFC 6749 §A.1, §A.2: VSCHAR. What is outside is a file in another encoding or with a line end.
bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

Result<void> add_basic(const ClientCredential& credential, const protocol::ClientAssertionWriter*,
                       std::string_view, WallTime, Entropy&, http::SimpleRequest& request) {
  const Secret basic = http::basic_credentials(credential.client_id, credential.secret);
  request.fields.emplace_back("Authorization", basic.unsafe_reveal_text());
  return {};
}

// The form with room for more, so that growing leaves no copy of a secret behind.
void append_secret(http::SimpleRequest& request, std::string_view name, const Secret& secret) {
  constexpr size_t triplet = 3;
  request.body.reserve(request.body.size() + name.size() + triplet * secret.size() + 2);
  http::append_form_field(request.body, name, secret.unsafe_reveal_text());
}

Result<void> add_post(const ClientCredential& credential, const protocol::ClientAssertionWriter*,
                      std::string_view, WallTime, Entropy&, http::SimpleRequest& request) {
  http::append_form_field(request.body, "client_id", credential.client_id);
  append_secret(request, "client_secret", credential.secret);
  return {};
}

Result<void> add_assertion(const ClientCredential& credential,
                           const protocol::ClientAssertionWriter* assertions,
                           std::string_view issuer, WallTime now, Entropy& entropy,
                           http::SimpleRequest& request) {
  CS_TRY(const Secret assertion, assertions->write(credential.client_id, issuer, now, entropy));
  // RFC 7521 §4.2: client_id may be left out; issuers that look it up before the assertion need it.
  http::append_form_field(request.body, "client_id", credential.client_id);
  http::append_form_field(request.body, "client_assertion_type", protocol::client_assertion_type);
  append_secret(request, "client_assertion", assertion);
  return {};
}

// RFC 8705 §2: the certificate is in the handshake; the parameter says whose it is.
Result<void> add_client_id(const ClientCredential& credential,
                           const protocol::ClientAssertionWriter*, std::string_view, WallTime,
                           Entropy&, http::SimpleRequest& request) {
  http::append_form_field(request.body, "client_id", credential.client_id);
  return {};
}

constexpr std::array<ClientAuthMethod, 5> methods{{
    {.name = "client_secret_basic", .shows = Shows::secret, .add = add_basic},
    {.name = "client_secret_post", .shows = Shows::secret, .add = add_post},
    {.name = "private_key_jwt", .shows = Shows::signature, .add = add_assertion},
    {.name = "tls_client_auth", .shows = Shows::certificate, .add = add_client_id},
    {.name = "self_signed_tls_client_auth", .shows = Shows::certificate, .add = add_client_id},
}};

Result<void> check_wanted(std::string_view setting, bool is_there, bool is_wanted) {
  if (is_there == is_wanted) return {};
  return bad_setting(std::string(setting) + (is_wanted ? ": missing; client_auth needs it"
                                                       : ": not used with this client_auth"));
}

uint64_t first_64_bits(const crypto::Sha256Digest& digest) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof value; ++i) value = value << 8 | digest[i];
  return value;
}

// A digest of a secret that takes its time. What it is for is the first block's text.
crypto::Sha256Digest slow_digest(const Secret& secret, std::string_view what_for) {
  const crypto::HmacKey key(secret);
  crypto::Sha256Digest block = key.mac(as_bytes(what_for));
  for (int round = 1; round < secret_digest_rounds; ++round) block = key.mac(block);
  return block;
}

}  // namespace

std::span<const ClientAuthMethod> client_auth_methods() {
  return methods;
}

const ClientAuthMethod* find_client_auth_method(std::string_view name) {
  const auto found = std::ranges::find(methods, name, &ClientAuthMethod::name);
  return found == methods.end() ? nullptr : &*found;
}

ClientAuthentication::ClientAuthentication(const ClientAuthMethod& method,
                                           ClientCredential credential)
    : method_(&method), credential_(std::move(credential)) {
  if (!credential_.key) return;
  assertions_.emplace(*std::move(credential_.key), credential_.key_id);
  credential_.key.reset();
}

Result<ClientAuthentication> ClientAuthentication::create(const ClientAuthMethod& method,
                                                          ClientCredential credential) {
  const std::string& id = credential.client_id;
  if (id.empty() || id.size() > client_id_bytes_max || !is_visible(id)) {
    return bad_setting("client_id: empty, too long, or not of printable ASCII");
  }
  const bool shows_key = method.shows == Shows::signature;
  CS_CHECK(
      check_wanted("client_secret", !credential.secret.empty(), method.shows == Shows::secret));
  CS_CHECK(check_wanted("client_key", credential.key.has_value(), shows_key));
  if (!shows_key) CS_CHECK(check_wanted("client_key_id", !credential.key_id.empty(), false));
  if (method.shows == Shows::certificate && credential.certificate_thumbprint.empty()) {
    return bad_setting("client_auth: this method needs the API's certificate and private_key");
  }
  const std::string_view secret = credential.secret.unsafe_reveal_text();
  if (secret.size() > secret_bytes_max || !is_visible(secret)) {
    return bad_setting("client_secret: too long, or not of printable ASCII");
  }
  if (credential.key_id.size() > jose::kid_bytes_max || !is_visible(credential.key_id)) {
    return bad_setting("client_key_id: too long, or not of printable ASCII");
  }
  return ClientAuthentication(method, std::move(credential));
}

Result<void> ClientAuthentication::add_to(http::SimpleRequest& request, std::string_view issuer,
                                          WallTime now, Entropy& entropy) const {
  return method_->add(credential_, assertions_ ? &*assertions_ : nullptr, issuer, now, entropy,
                      request);
}

std::string_view ClientAuthentication::method_name() const {
  return method_->name;
}

bool ClientAuthentication::by_certificate() const {
  return method_->shows == Shows::certificate;
}

std::string_view ClientAuthentication::signing_algorithm() const {
  return assertions_ ? assertions_->algorithm().jose_name : std::string_view();
}

uint64_t ClientAuthentication::version(std::string_view issuer) const {
  // Each part with its length before it: no two lists of parts are the same text.
  std::string text = "countersign credential version 1";
  const auto add = [&text](std::string_view part) {
    text.append(std::to_string(part.size())).append(":").append(part);
  };
  add(method_->name);
  add(issuer);
  add(credential_.client_id);
  switch (method_->shows) {
    case Shows::secret:
      return first_64_bits(slow_digest(credential_.secret, text));
    case Shows::signature:
      add(as_text(assertions_->public_key().spki_sha256()));
      add(credential_.key_id);
      break;
    case Shows::certificate:
      add(credential_.certificate_thumbprint);
      break;
  }
  return first_64_bits(crypto::sha256(as_bytes(text)));
}

}  // namespace countersign::consumer
