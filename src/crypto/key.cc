#include "crypto/key.h"

#include <cstring>
#include <optional>

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "crypto/key_state.h"

namespace countersign::crypto {
namespace {

constexpr size_t pem_bytes_max = 64 * 1024;
constexpr size_t rsa_bits_generated = 3072;  // 128 bits of strength, NIST SP 800-57

std::unexpected<Error> bad_key(std::string_view text, std::string_view detail = {}) {
  return fail(ErrorKind::invalid_input, "crypto.bad_key", text, detail);
}

std::unexpected<Error> not_supported(std::string_view detail) {
  return fail(ErrorKind::invalid_input, "crypto.key_not_supported",
              "the key must be P-256, Ed25519 or RSA of 2048 to 8192 bits", detail);
}

bool is_named_p256(const EVP_PKEY* pkey) {
  char group[32] = {};
  int explicit_parameters = 0;
  // A curve spelled out in numbers may be P-256 but for its generator, which lets anyone sign.
  EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                         &explicit_parameters);
  return explicit_parameters == 0 &&
         EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                        nullptr) == 1 &&
         std::string_view(group) == "prime256v1";
}

bool is_sound_rsa(const EVP_PKEY* pkey) {
  const int bits = EVP_PKEY_get_bits(pkey);
  if (bits < rsa_bits_min || bits > rsa_bits_max) return false;
  BIGNUM* n = nullptr;
  BIGNUM* e = nullptr;
  const bool got = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
                   EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1;
  const BignumPtr modulus(n);
  const BignumPtr exponent(e);
  // A huge exponent makes each verification as dear as a signature; an even one, or 1, is no key.
  return got && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= 32;
}

std::optional<KeyKind> supported_kind(const EVP_PKEY* pkey) {
  if (EVP_PKEY_is_a(pkey, "EC") && is_named_p256(pkey)) return KeyKind::ec_p256;
  if (EVP_PKEY_is_a(pkey, "RSA") && is_sound_rsa(pkey)) return KeyKind::rsa;
  if (EVP_PKEY_is_a(pkey, "ED25519")) return KeyKind::ed25519;
  return std::nullopt;
}

}  // namespace

Result<PublicKey> PublicKey::adopt(std::shared_ptr<evp_pkey_st> key) {
  const std::optional<KeyKind> kind = supported_kind(key.get());
  if (!kind) return not_supported("");
  auto state = std::make_shared<State>();
  state->kind = *kind;
  const SignatureAlgorithm& row = algorithm_for(*kind);
  state->signature_bytes = row.signature_bytes != 0
                               ? row.signature_bytes
                               : static_cast<size_t>(EVP_PKEY_get_size(key.get()));
  const Bytes spki = der_of(key.get(), i2d_PUBKEY);
  if (spki.empty()) return bad_key("the key cannot be encoded", openssl_failure());
  state->spki_sha256 = sha256(spki);
  if (row.digest_sha256) {
    state->verifier = prepare_context(key.get(), row, /*sign=*/false);
    if (state->verifier == nullptr) return not_supported(openssl_failure());
  }
  state->pkey = std::move(key);
  return PublicKey(std::move(state));
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return bad_key("the public key file is too large");
  const ErrorQueueCleaner cleaner;
  Secret no_passphrase;
  std::shared_ptr<EVP_PKEY> pkey(
      PEM_read_bio_PUBKEY(memory_bio(pem).get(), nullptr, give_passphrase, &no_passphrase),
      EVP_PKEY_free);
  if (pkey == nullptr) return bad_key("the text holds no PEM public key", openssl_failure());
  return adopt(std::move(pkey));
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
  if (der.size() > pem_bytes_max) return bad_key("the public key is too large");
  const ErrorQueueCleaner cleaner;
  const uint8_t* in = der.data();
  std::shared_ptr<EVP_PKEY> pkey(d2i_PUBKEY(nullptr, &in, static_cast<long>(der.size())),
                                 EVP_PKEY_free);
  if (pkey == nullptr || in != der.data() + der.size()) {
    return bad_key("the bytes are not a public key", openssl_failure());
  }
  return adopt(std::move(pkey));
}

KeyKind PublicKey::kind() const {
  return state_->kind;
}
const Sha256Digest& PublicKey::spki_sha256() const {
  return state_->spki_sha256;
}
evp_pkey_st* PublicKey::native() const {
  return state_->pkey.get();
}

std::string PublicKey::to_pem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  require(bio != nullptr && PEM_write_bio_PUBKEY(bio.get(), state_->pkey.get()) == 1,
          "OpenSSL cannot write a public key");
  return text_of(bio.get());
}

Result<PrivateKey> PrivateKey::adopt(std::shared_ptr<evp_pkey_st> pair) {
  CS_TRY(PublicKey public_key, PublicKey::from_spki(der_of(pair.get(), i2d_PUBKEY)));
  const SignatureAlgorithm& row = public_key.algorithm();
  auto state = std::make_shared<State>();
  if (row.digest_sha256) {
    state->signer = prepare_context(pair.get(), row, /*sign=*/true);
    if (state->signer == nullptr) return bad_key("the private key cannot sign", openssl_failure());
  }
  state->pkey = std::move(pair);
  PrivateKey made(std::move(state), std::move(public_key));
  // Shows that the two halves belong together: a file may hold the public half of another key.
  const ByteView probe = as_bytes("countersign key check");
  const Result<Bytes> signature = made.sign(probe);
  if (!signature || !made.public_key().verify(row, probe, *signature)) {
    return bad_key("the private key does not fit its public half");
  }
  return made;
}

Result<PrivateKey> PrivateKey::from_pem(const Secret& pem, const Secret& passphrase) {
  if (pem.size() > pem_bytes_max) return bad_key("the private key file is too large");
  const ErrorQueueCleaner cleaner;
  Secret given = passphrase;
  std::shared_ptr<EVP_PKEY> pkey(PEM_read_bio_PrivateKey(memory_bio(pem.unsafe_reveal_text()).get(),
                                                         nullptr, give_passphrase, &given),
                                 EVP_PKEY_free);
  if (pkey == nullptr) {
    return bad_key("the text holds no PEM private key, or its passphrase is missing or wrong",
                   openssl_failure());
  }
  return adopt(std::move(pkey));
}

Result<PrivateKey> PrivateKey::generate(const SignatureAlgorithm& algorithm) {
  const ErrorQueueCleaner cleaner;
  EVP_PKEY* pkey = nullptr;
  switch (algorithm.key_kind) {
    case KeyKind::ec_p256:
      pkey = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
      break;
    case KeyKind::rsa:
      pkey = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", rsa_bits_generated);
      break;
    case KeyKind::ed25519:
      pkey = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
  }
  if (pkey == nullptr) {
    return fail(ErrorKind::internal, "crypto.keygen_failed", "a key cannot be generated",
                openssl_failure());
  }
  return adopt({pkey, EVP_PKEY_free});
}

Secret PrivateKey::to_pem() const {
  return private_key_to_pem(native());
}

evp_pkey_st* PrivateKey::native() const {
  return state_->pkey.get();
}

}  // namespace countersign::crypto
