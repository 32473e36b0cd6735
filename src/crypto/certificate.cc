#include "crypto/certificate.h"

#include <algorithm>
#include <ctime>
#include <optional>
#include <set>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/certificate_native.h"
#include "crypto/openssl.h"

namespace countersign::crypto {
namespace {

constexpr int extensions_max = 64;

std::unexpected<Error> bad(std::string_view text, std::string_view detail = {}) {
  return fail(ErrorKind::invalid_input, "crypto.bad_certificate", text, detail);
}

// OpenSSL's getters that only fill caches (under its own lock) are not declared const.
X509* unconst(const x509_st* native) {
  return const_cast<X509*>(native);
}

Result<std::string> name_text(const X509_NAME* name) {
  // RFC 4514 §2.4 escapes, control characters included; UTF-8 is written as it is.
  constexpr unsigned long flags =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, flags) < 0) {
    return bad("the certificate holds a name that cannot be read", openssl_failure());
  }
  return text_of(bio.get());
}

Result<WallTime> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    return bad("the certificate holds a time that cannot be read");
  }
  return from_unix_seconds(timegm(&parts));
}

// RFC 5280 §4.2: a certificate has each extension once at most. Two may be read differently by two
// readers.
bool extensions_are_unique(const X509* native) {
  const int count = X509_get_ext_count(native);
  if (count > extensions_max) return false;
  std::set<Bytes> seen;
  for (int i = 0; i < count; ++i) {
    const ASN1_OBJECT* id = X509_EXTENSION_get_object(X509_get_ext(native, i));
    const uint8_t* octets = OBJ_get0_data(id);
    if (!seen.emplace(octets, octets + OBJ_length(id)).second) return false;
  }
  return true;
}

void read_key(const X509* native, Certificate& out) {
  const EVP_PKEY* pkey = X509_get0_pubkey(native);
  if (pkey == nullptr) return;  // stays `other`
  out.key_bits = EVP_PKEY_get_bits(pkey);
  char group[32] = {};
  if (EVP_PKEY_is_a(pkey, "RSA")) {
    out.key_type = CertificateKeyType::rsa;
  } else if (EVP_PKEY_is_a(pkey, "ED25519")) {
    out.key_type = CertificateKeyType::ed25519;
  } else if (EVP_PKEY_is_a(pkey, "EC") &&
             EVP_PKEY_get_group_name(pkey, group, sizeof group, nullptr) == 1) {
    if (std::string_view(group) == "prime256v1") out.key_type = CertificateKeyType::ec_p256;
    if (std::string_view(group) == "secp384r1") out.key_type = CertificateKeyType::ec_p384;
  }
}

CertificateDigest signature_digest_of(const X509* native) {
  int digest = NID_undef;
  int key_type = NID_undef;
  X509_get_signature_info(unconst(native), &digest, &key_type, nullptr, nullptr);
  switch (digest) {
    case NID_sha256:
      return CertificateDigest::sha256;
    case NID_sha384:
      return CertificateDigest::sha384;
    case NID_sha512:
      return CertificateDigest::sha512;
    default:
      return key_type == NID_ED25519 ? CertificateDigest::none : CertificateDigest::weak;
  }
}

Result<void> read_serial(const X509* native, Certificate& out) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(native);
  const BignumPtr number(ASN1_INTEGER_to_BN(serial, nullptr));
  if (number == nullptr) return bad("the certificate's serial number cannot be read");
  const bool negative = BN_is_negative(number.get()) != 0;
  Bytes magnitude(static_cast<size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), magnitude.data());
  // DER writes a leading zero octet where the first bit would read as a sign.
  const bool sign_octet = magnitude.empty() || (magnitude[0] & 0x80) != 0;
  out.serial_octets = magnitude.size() + (sign_octet ? 1 : 0);
  out.serial_positive = !negative && !magnitude.empty();
  out.serial_hex = (negative ? "-" : "") + (magnitude.empty() ? "00" : encode_hex(magnitude));
  return {};
}

Result<void> read_extensions(const X509* native, Certificate& out) {
  if (!extensions_are_unique(native)) return bad("the certificate repeats an extension");
  CS_TRY(const auto constraints, (read_extension<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>(
                                     native, NID_basic_constraints)));
  out.has_basic_constraints = constraints != nullptr;
  out.is_ca = constraints != nullptr && constraints->ca != 0;
  CS_TRY(const auto purposes,
         (read_extension<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>(native, NID_ext_key_usage)));
  out.has_extended_key_usage = purposes != nullptr;
  for (int i = 0; i < sk_ASN1_OBJECT_num(purposes.get()); ++i) {
    char oid[128];
    const int size =
        OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(purposes.get(), i), /*no_name=*/1);
    if (size <= 0 || size >= static_cast<int>(sizeof oid)) {
      return bad("the certificate holds a purpose that cannot be read");
    }
    out.extended_key_usages.emplace_back(oid);
  }
  CS_TRY(const auto usage,
         (read_extension<ASN1_BIT_STRING, ASN1_BIT_STRING_free>(native, NID_key_usage)));
  out.has_key_usage = usage != nullptr;
  // RFC 5280 §4.2.1.3: bit 0 is digitalSignature, bit 5 keyCertSign.
  out.digital_signature = usage != nullptr && ASN1_BIT_STRING_get_bit(usage.get(), 0) != 0;
  out.may_sign_certificates = usage != nullptr && ASN1_BIT_STRING_get_bit(usage.get(), 5) != 0;
  return read_alternative_names(native, out.names);
}

struct PemBlock {
  std::string type;
  Bytes data;
};

enum class PemStep { block, end, broken };

PemStep next_block(BIO* bio, PemBlock& out) {
  char* name = nullptr;
  char* header = nullptr;
  uint8_t* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio, &name, &header, &data, &size) != 1) {
    const unsigned long error = ERR_peek_last_error();
    const bool end =
        ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    return end ? PemStep::end : PemStep::broken;
  }
  out.type = name;
  out.data.assign(data, data + size);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<size_t>(size));  // the file may hold a private key, too
  return PemStep::block;
}

Result<std::vector<Certificate>> read_pem(std::string_view pem, size_t count_max, bool first_only) {
  if (pem.size() > certificate_bundle_bytes_max) {
    return fail(ErrorKind::too_large, "crypto.too_large", "the certificate file is too large");
  }
  const ErrorQueueCleaner cleaner;
  const BioPtr bio = memory_bio(pem);
  std::vector<Certificate> found;
  for (;;) {
    PemBlock block;
    const PemStep step = next_block(bio.get(), block);
    if (step == PemStep::end) break;
    if (step == PemStep::broken) return bad("the text is not valid PEM", openssl_failure());
    if (block.type != PEM_STRING_X509) {
      wipe(block.data);
      continue;
    }
    if (found.size() == count_max) {
      return fail(ErrorKind::too_large, "crypto.too_large", "the file holds too many certificates");
    }
    CS_TRY(Certificate certificate, parse_certificate(block.data));
    found.push_back(std::move(certificate));
    if (first_only) break;
  }
  if (found.empty()) return bad("the text holds no PEM certificate");
  return found;
}

}  // namespace

Result<Certificate> read_certificate(const x509_st* native) {
  const ErrorQueueCleaner cleaner;
  Certificate out;
  out.der = der_of(native, i2d_X509);
  const Bytes spki = der_of(X509_get_X509_PUBKEY(native), i2d_X509_PUBKEY);
  if (out.der.empty() || spki.empty()) return bad("the certificate cannot be encoded");
  out.thumbprint = sha256(out.der);
  out.spki_sha256 = sha256(spki);
  CS_TRY(out.subject, name_text(X509_get_subject_name(native)));
  CS_TRY(out.issuer, name_text(X509_get_issuer_name(native)));
  out.self_issued = X509_NAME_cmp(X509_get_subject_name(native), X509_get_issuer_name(native)) == 0;
  CS_CHECK(read_serial(native, out));
  CS_TRY(out.not_before, time_of(X509_get0_notBefore(native)));
  CS_TRY(out.not_after, time_of(X509_get0_notAfter(native)));
  out.version = static_cast<int>(X509_get_version(native)) + 1;
  CS_CHECK(read_extensions(native, out));
  read_key(native, out);
  out.signature_digest = signature_digest_of(native);
  return out;
}

Result<Certificate> parse_certificate(ByteView der) {
  if (der.size() > certificate_bytes_max) {
    return fail(ErrorKind::too_large, "crypto.too_large", "the certificate is too large");
  }
  const ErrorQueueCleaner cleaner;
  const uint8_t* in = der.data();
  const X509Ptr native(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
  if (native == nullptr || in != der.data() + der.size()) {
    return bad("the bytes are not one DER certificate", openssl_failure());
  }
  CS_TRY(Certificate out, read_certificate(native.get()));
  // What was signed and hashed are the bytes that came; another encoding of the same values is not
  // that certificate.
  if (!std::ranges::equal(out.der, der)) return bad("the certificate is not in DER");
  return out;
}

Result<Certificate> parse_certificate_pem(std::string_view pem) {
  CS_TRY(std::vector<Certificate> found, read_pem(pem, 1, /*first_only=*/true));
  return std::move(found.front());
}

Result<std::vector<Certificate>> parse_certificates_pem(std::string_view pem) {
  return read_pem(pem, certificate_bundle_count_max, /*first_only=*/false);
}

std::string to_pem(const Certificate& certificate) {
  const std::string body = encode_base64(certificate.der);
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  constexpr size_t line = 64;  // RFC 7468 §2
  for (size_t at = 0; at < body.size(); at += line) pem += body.substr(at, line) + "\n";
  return pem + "-----END CERTIFICATE-----\n";
}

}  // namespace countersign::crypto
