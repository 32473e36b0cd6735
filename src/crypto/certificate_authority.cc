#include "crypto/certificate_authority.h"

#include <openssl/pem.h>

#include "crypto/authority_extensions.h"
#include "crypto/openssl.h"

namespace countersign::crypto {
namespace {

constexpr size_t serial_bytes = 16;
constexpr size_t serial_bytes_too_many = 21;

std::unexpected<Error> failed(std::string_view what) {
  return fail(ErrorKind::internal, "crypto.issue_failed", "the certificate cannot be made",
              std::string(what) + ": " + openssl_failure());
}

bool set_name(X509_NAME* name, std::string_view common_name, std::string_view organization) {
  const auto add = [&](const char* field, std::string_view value) {
    return value.empty() ||
           X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                      reinterpret_cast<const uint8_t*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return add("O", organization) && add("CN", common_name);
}

// Random and positive (RFC 5280 §4.1.2.2), unless a flaw is asked for.
bool set_serial(X509* certificate, const UnsafeCertificateFlaws& flaws, Entropy& entropy) {
  Bytes number = entropy.bytes(flaws.serial_too_long ? serial_bytes_too_many : serial_bytes);
  number[0] = static_cast<uint8_t>((number[0] & 0x7f) | 0x40);
  if (flaws.serial_zero) number = {0};
  const BignumPtr serial(BN_bin2bn(number.data(), static_cast<int>(number.size()), nullptr));
  if (serial == nullptr) return false;
  BN_set_negative(serial.get(), flaws.serial_negative ? 1 : 0);
  return BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, WallTime not_before, WallTime not_after) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), to_unix_seconds(not_before)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), to_unix_seconds(not_after)) != nullptr;
}

bool sign(X509* certificate, const PrivateKey& key, bool sha1) {
  const EVP_MD* digest = nullptr;  // Ed25519 takes none
  if (key.algorithm().digest_sha256) digest = sha1 ? EVP_sha1() : sha256_method();
  return X509_sign(certificate, key.native(), digest) > 0;
}

std::string pem_of(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  return text_of(bio.get());
}

X509Ptr read_pem(const std::string& pem) {
  return X509Ptr(PEM_read_bio_X509(memory_bio(pem).get(), nullptr, nullptr, nullptr));
}

// The certificate of a CA with this key, signed by `issuer_key`; `issuer` is null for a root.
Result<std::string> make_authority(const AuthorityOptions& options, const PrivateKey& key,
                                   X509* issuer, const PrivateKey& issuer_key, Entropy& entropy) {
  const X509Ptr made(X509_new());
  if (made == nullptr || X509_set_version(made.get(), X509_VERSION_3) != 1 ||
      !set_serial(made.get(), {}, entropy) ||
      !set_validity(made.get(), options.not_before, options.not_after) ||
      !set_name(X509_get_subject_name(made.get()), options.name, "") ||
      X509_set_issuer_name(made.get(),
                           X509_get_subject_name(issuer == nullptr ? made.get() : issuer)) != 1 ||
      X509_set_pubkey(made.get(), key.native()) != 1) {
    return failed("fields of " + options.name);
  }
  const bool root = issuer == nullptr;
  if (!add_authority_extensions(made.get(), root ? made.get() : issuer, options, root)) {
    return failed("extensions of " + options.name);
  }
  if (!sign(made.get(), issuer_key, /*sha1=*/false)) return failed("signature of " + options.name);
  return pem_of(made.get());
}

struct SubjectKey {
  PkeyPtr native;
  Secret pem;
};

Result<SubjectKey> make_subject_key(const CertificateSpec& spec) {
  SubjectKey made;
  const auto& flaws = spec.unsafe_flaws;
  if (flaws.short_rsa_key || flaws.unsupported_curve) {
    made.native.reset(flaws.short_rsa_key ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{1024})
                                          : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521"));
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (made.native == nullptr || bio == nullptr ||
        PEM_write_bio_PKCS8PrivateKey(bio.get(), made.native.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) != 1) {
      return failed("key of " + spec.common_name);
    }
    made.pem = Secret::take(text_of(bio.get()));
    return made;
  }
  CS_TRY(const PrivateKey key, PrivateKey::generate(*spec.key_algorithm));
  EVP_PKEY_up_ref(key.native());
  made.native.reset(key.native());
  made.pem = key.to_pem();
  return made;
}

}  // namespace

Result<CertificateAuthority> CertificateAuthority::create(const AuthorityOptions& options,
                                                          Entropy& entropy) {
  const ErrorQueueCleaner cleaner;
  CS_TRY(PrivateKey key, PrivateKey::generate(*options.key_algorithm));
  CS_TRY(std::string pem, make_authority(options, key, nullptr, key, entropy));
  return CertificateAuthority(std::move(key), std::move(pem), "");
}

Result<CertificateAuthority> CertificateAuthority::create_intermediate(
    const AuthorityOptions& options, Entropy& entropy) const {
  const ErrorQueueCleaner cleaner;
  const X509Ptr issuer = read_pem(certificate_pem_);
  CS_TRY(PrivateKey key, PrivateKey::generate(*options.key_algorithm));
  CS_TRY(std::string pem, make_authority(options, key, issuer.get(), key_, entropy));
  std::string chain = pem + chain_pem_;
  return CertificateAuthority(std::move(key), std::move(pem), std::move(chain));
}

Result<IssuedCertificate> CertificateAuthority::issue(const CertificateSpec& spec,
                                                      Entropy& entropy) const {
  const ErrorQueueCleaner cleaner;
  const X509Ptr issuer = read_pem(certificate_pem_);
  CS_TRY(SubjectKey key, make_subject_key(spec));
  const auto& flaws = spec.unsafe_flaws;
  const X509Ptr made(X509_new());
  if (issuer == nullptr || made == nullptr ||
      X509_set_version(made.get(), flaws.version_1 ? X509_VERSION_1 : X509_VERSION_3) != 1 ||
      !set_serial(made.get(), flaws, entropy) ||
      !set_validity(made.get(), spec.not_before, spec.not_after) ||
      !set_name(X509_get_subject_name(made.get()), spec.common_name, spec.organization) ||
      X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get())) != 1 ||
      X509_set_pubkey(made.get(), key.native.get()) != 1) {
    return failed("fields of " + spec.common_name);
  }
  if (!flaws.version_1 && !add_leaf_extensions(made.get(), issuer.get(), spec)) {
    return failed("extensions of " + spec.common_name);
  }
  if (!sign(made.get(), key_, flaws.signed_with_sha1)) {
    return failed("signature of " + spec.common_name);
  }
  IssuedCertificate issued;
  issued.certificate_pem = pem_of(made.get());
  issued.chain_pem = issued.certificate_pem + chain_pem_;
  issued.private_key_pem = std::move(key.pem);
  return issued;
}

}  // namespace countersign::crypto
