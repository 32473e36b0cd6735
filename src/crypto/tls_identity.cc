#include "crypto/tls_identity.h"

#include <algorithm>
#include <vector>

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/openssl.h"

namespace countersign::crypto {
namespace {

constexpr size_t pem_bytes_max = 64 * 1024;
constexpr size_t passphrase_bytes_max = 1024;

using Pkcs12Ptr = OpensslPtr<PKCS12, PKCS12_free>;

bool is_supported(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519")) return true;
  const int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_is_a(key, "RSA")) return bits >= rsa_bits_min && bits <= rsa_bits_max;
  if (!EVP_PKEY_is_a(key, "EC")) return false;
  char group[32] = {};
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                     nullptr) != 1)
    return false;
  const std::string_view name(group);
  return name == "prime256v1" || name == "secp384r1";
}

Result<PkeyPtr> read_key(const Secret& pem, const Secret& passphrase) {
  if (pem.size() > pem_bytes_max)
    return fail(ErrorKind::too_large, "crypto.too_large", "the private key file is too large");
  Secret given = passphrase;
  PkeyPtr key(PEM_read_bio_PrivateKey(memory_bio(pem.unsafe_reveal_text()).get(), nullptr,
                                      give_passphrase, &given));
  if (!key) {
    return fail(ErrorKind::invalid_input, "crypto.bad_key",
                passphrase.empty()
                    ? "the text holds no PEM private key that can be read without a passphrase"
                    : "the text holds no PEM private key that this passphrase opens",
                openssl_failure());
  }
  if (!is_supported(key.get())) {
    return fail(ErrorKind::invalid_input, "crypto.key_not_supported",
                "the key must be P-256, P-384, Ed25519 or RSA of 2048 to 8192 bits");
  }
  return key;
}

std::unexpected<Error> bad_pkcs12(std::string_view text, std::string_view detail = {}) {
  return fail(ErrorKind::invalid_input, "crypto.bad_pkcs12", text, detail);
}

// From the leaf upwards, each one's issuer behind it; roots are the other side's to know.
std::string chain_to_pem(const Certificate& leaf, std::vector<Certificate> others) {
  std::string pem = to_pem(leaf);
  std::string wanted = leaf.issuer;
  for (;;) {
    const auto next = std::ranges::find_if(others, [&](const Certificate& candidate) {
      return candidate.subject == wanted && !candidate.self_issued;
    });
    if (next == others.end()) return pem;
    pem += to_pem(*next);
    wanted = next->issuer;
    others.erase(next);
  }
}

}  // namespace

Result<Secret> decrypt_private_key(const Secret& pem, const Secret& passphrase) {
  const ErrorQueueCleaner cleaner;
  CS_TRY(const PkeyPtr key, read_key(pem, passphrase));
  return private_key_to_pem(key.get());
}

Result<std::shared_ptr<evp_pkey_st>> parse_tls_key(const Secret& pem) {
  const ErrorQueueCleaner cleaner;
  CS_TRY(PkeyPtr key, read_key(pem, {}));
  return std::shared_ptr<evp_pkey_st>(key.release(), EVP_PKEY_free);
}

Result<TlsIdentity> parse_pkcs12(ByteView der, const Secret& passphrase) {
  const ErrorQueueCleaner cleaner;
  if (der.size() > pkcs12_bytes_max)
    return fail(ErrorKind::too_large, "crypto.too_large", "the PKCS #12 file is too large");
  const std::string_view words = passphrase.unsafe_reveal_text();
  if (words.size() > passphrase_bytes_max || words.find('\0') != std::string_view::npos)
    return bad_pkcs12("the passphrase is too long or holds a zero byte");
  const uint8_t* in = der.data();
  const Pkcs12Ptr file(d2i_PKCS12(nullptr, &in, static_cast<long>(der.size())));
  if (!file || in != der.data() + der.size())
    return bad_pkcs12("the file is not PKCS #12", openssl_failure());
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  STACK_OF(X509)* others = nullptr;
  // OpenSSL wants a zero at its end.
  std::string terminated(words);
  const bool parsed =
      PKCS12_parse(file.get(), terminated.c_str(), &key, &certificate, &others) == 1;
  wipe(terminated);
  const PkeyPtr owned_key(key);
  const X509Ptr owned_certificate(certificate);
  const X509StackPtr owned_others(others);
  if (!parsed) {
    return bad_pkcs12(
        "the PKCS #12 file cannot be opened: the passphrase is wrong, or it is "
        "encrypted by an old algorithm and has to be exported anew",
        openssl_failure());
  }
  if (!key || !certificate) return bad_pkcs12("the PKCS #12 file holds no key with certificate");
  if (!is_supported(key)) {
    return fail(ErrorKind::invalid_input, "crypto.key_not_supported",
                "the key must be P-256, P-384, Ed25519 or RSA of 2048 to 8192 bits");
  }
  CS_TRY(const Certificate leaf, read_certificate(certificate));
  std::vector<Certificate> rest;
  for (int i = 0; others && i < sk_X509_num(others); ++i) {
    CS_TRY(Certificate one, read_certificate(sk_X509_value(others, i)));
    rest.push_back(std::move(one));
  }
  return TlsIdentity{.certificate_chain_pem = chain_to_pem(leaf, std::move(rest)),
                     .private_key_pem = private_key_to_pem(key)};
}

}  // namespace countersign::crypto
