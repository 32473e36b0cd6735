// OpenSSL behind RAII, for the .cc files that wrap it: no interface includes this header.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/bytes.h"
#include "core/secret.h"

namespace countersign::crypto {

template <auto free_function>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};
template <typename T, auto free_function>
using OpensslPtr = std::unique_ptr<T, OpensslFree<free_function>>;

using BioPtr = OpensslPtr<BIO, BIO_free_all>;
using BignumPtr = OpensslPtr<BIGNUM, BN_clear_free>;
using EcdsaSigPtr = OpensslPtr<ECDSA_SIG, ECDSA_SIG_free>;
using MdContextPtr = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using PkeyContextPtr = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using PkeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using X509Ptr = OpensslPtr<X509, X509_free>;

struct X509StackFree {  // with what it holds
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using X509StackPtr = std::unique_ptr<STACK_OF(X509), X509StackFree>;

// OpenSSL's error queue is per thread, and SSL_get_error() of an unrelated connection reads it.
// Each function of ours that may leave errors there holds one of these, so that the queue is empty
// again when it returns.
class [[nodiscard]] ErrorQueueCleaner final {
 public:
  ErrorQueueCleaner() = default;
  ErrorQueueCleaner(const ErrorQueueCleaner&) = delete;
  ErrorQueueCleaner& operator=(const ErrorQueueCleaner&) = delete;
  ~ErrorQueueCleaner();
};

// What OpenSSL says about its latest failure, for private_detail. Holds no input and no key.
std::string openssl_failure();

// Ends the process if `ok` is false: memory is exhausted or OpenSSL is not the one we were built
// for.
void require(bool ok, std::string_view what);

// Fetched once per process: OpenSSL 3.0 looks an algorithm up by name at every implicit use, which
// is slow.
const EVP_MD* sha256_method();
const EVP_MD* sha512_method();

// A pem_password_cb whose context is a Secret. Without one OpenSSL would ask on the terminal.
int give_passphrase(char* out, int out_size, int writing, void* context);
// PKCS #8, not encrypted.
Secret private_key_to_pem(const EVP_PKEY* key);

// Reads `text` without copying it; `text` outlives the BIO.
BioPtr memory_bio(std::string_view text);
std::string text_of(BIO* bio);

// The DER that one of OpenSSL's i2d_ functions writes; empty if it fails.
template <typename T, typename Encode>
Bytes der_of(const T* object, Encode encode) {
  const int size = encode(object, nullptr);
  if (size <= 0) return {};
  Bytes der(static_cast<size_t>(size));
  uint8_t* out = der.data();
  if (encode(object, &out) != size) return {};
  return der;
}

}  // namespace countersign::crypto
