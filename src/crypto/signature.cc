// Signing and verifying, driven by the algorithm's row.

#include <openssl/rsa.h>

#include "crypto/key_state.h"

namespace countersign::crypto {
namespace {

bool use_pss(EVP_PKEY_CTX* context, int salt_bytes) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_bytes) == 1;
}

MdContextPtr ready_context(const MdContextPtr& prepared, EVP_PKEY* pkey,
                           const SignatureAlgorithm& algorithm, bool sign) {
  if (prepared == nullptr) return prepare_context(pkey, algorithm, sign);
  MdContextPtr context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_MD_CTX_copy_ex(context.get(), prepared.get()) != 1) return nullptr;
  return context;
}

std::unexpected<Error> bad_signature() {
  return fail(ErrorKind::unauthenticated, "crypto.bad_signature", "the signature does not verify");
}

std::unexpected<Error> signing_failed() {
  return fail(ErrorKind::internal, "crypto.signing_failed", "the data cannot be signed",
              openssl_failure());
}

}  // namespace

MdContextPtr prepare_context(EVP_PKEY* pkey, const SignatureAlgorithm& algorithm, bool sign) {
  MdContextPtr context(EVP_MD_CTX_new());
  if (context == nullptr) return nullptr;
  EVP_PKEY_CTX* key_context = nullptr;  // belongs to `context`
  const char* digest = algorithm.digest_sha256 ? "SHA256" : nullptr;
  auto* const init = sign ? EVP_DigestSignInit_ex : EVP_DigestVerifyInit_ex;
  if (init(context.get(), &key_context, digest, nullptr, nullptr, pkey, nullptr) != 1) {
    return nullptr;
  }
  if (algorithm.pss_salt_bytes != 0 && !use_pss(key_context, algorithm.pss_salt_bytes)) {
    return nullptr;
  }
  return context;
}

Bytes der_signature(ByteView raw, size_t integer_bytes) {
  if (raw.size() != integer_bytes * 2) return {};
  const int length = static_cast<int>(integer_bytes);
  BignumPtr r(BN_bin2bn(raw.data(), length, nullptr));
  BignumPtr s(BN_bin2bn(raw.data() + integer_bytes, length, nullptr));
  const EcdsaSigPtr pair(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || pair == nullptr ||
      ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) {
    return {};
  }
  // ECDSA_SIG_set0 took both over.
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  return der_of(pair.get(), i2d_ECDSA_SIG);
}

Bytes raw_signature(ByteView der, size_t integer_bytes) {
  const uint8_t* in = der.data();
  const EcdsaSigPtr pair(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
  if (pair == nullptr) return {};
  Bytes raw(integer_bytes * 2);
  const int length = static_cast<int>(integer_bytes);
  if (BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), raw.data(), length) != length ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), raw.data() + integer_bytes, length) != length) {
    return {};
  }
  return raw;
}

Result<void> PublicKey::verify(const SignatureAlgorithm& algorithm, ByteView data,
                               ByteView signature) const {
  if (&algorithm != &this->algorithm()) {
    return fail(ErrorKind::unauthenticated, "crypto.algorithm_mismatch",
                "the key is not for this signature algorithm");
  }
  if (signature.size() != state_->signature_bytes) return bad_signature();
  const ErrorQueueCleaner cleaner;
  Bytes der;
  if (algorithm.raw_integer_bytes != 0) {
    der = der_signature(signature, algorithm.raw_integer_bytes);
    if (der.empty()) return bad_signature();
    signature = der;
  }
  const MdContextPtr context =
      ready_context(state_->verifier, state_->pkey.get(), algorithm, /*sign=*/false);
  if (context == nullptr || EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                             data.data(), data.size()) != 1) {
    return bad_signature();
  }
  return {};
}

Result<Bytes> PrivateKey::sign(ByteView data) const {
  const ErrorQueueCleaner cleaner;
  const SignatureAlgorithm& row = algorithm();
  const MdContextPtr context = ready_context(state_->signer, native(), row, /*sign=*/true);
  if (context == nullptr) return signing_failed();
  Bytes signature(static_cast<size_t>(EVP_PKEY_get_size(native())));
  size_t written = signature.size();
  if (EVP_DigestSign(context.get(), signature.data(), &written, data.data(), data.size()) != 1) {
    return signing_failed();
  }
  signature.resize(written);
  if (row.raw_integer_bytes != 0) signature = raw_signature(signature, row.raw_integer_bytes);
  if (signature.size() != public_key_.state_->signature_bytes) return signing_failed();
  return signature;
}

}  // namespace countersign::crypto
