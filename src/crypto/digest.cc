#include "crypto/digest.h"

#include <openssl/core_names.h>

#include "core/error.h"
#include "crypto/openssl.h"

namespace countersign::crypto {
namespace {

MdContextPtr new_context() {
  MdContextPtr context(EVP_MD_CTX_new());
  require(context != nullptr, "out of memory in OpenSSL");
  return context;
}

template <typename Digest>
Digest digest_of(const EVP_MD* method, EVP_MD_CTX* context, ByteView data) {
  Digest digest;
  const bool ok = EVP_DigestInit_ex2(context, method, nullptr) == 1 &&
                  EVP_DigestUpdate(context, data.data(), data.size()) == 1 &&
                  EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1;
  require(ok, "OpenSSL cannot compute a digest");
  return digest;
}

EVP_MAC_CTX* keyed_context(ByteView key) {
  // Fetched once: every HmacKey shares the method.
  static EVP_MAC* const method = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  require(method != nullptr, "OpenSSL's default provider has no HMAC");
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(method);
  char digest_name[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
      OSSL_PARAM_construct_end()};
  require(context != nullptr && EVP_MAC_init(context, key.data(), key.size(), parameters) == 1,
          "OpenSSL cannot prepare an HMAC");
  return context;
}

}  // namespace

Sha256Digest sha256(ByteView data) {
  // One context a thread; a context keeps the method's buffers, so that nothing is allocated again.
  thread_local const MdContextPtr context = new_context();
  return digest_of<Sha256Digest>(sha256_method(), context.get(), data);
}

Sha512Digest sha512(ByteView data) {
  thread_local const MdContextPtr context = new_context();
  return digest_of<Sha512Digest>(sha512_method(), context.get(), data);
}

void Sha256Stream::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256Stream::Sha256Stream() : context_(new_context().release()) {
  require(EVP_DigestInit_ex2(context_.get(), sha256_method(), nullptr) == 1,
          "OpenSSL cannot start a digest");
}
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::update(ByteView piece) {
  require(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1,
          "OpenSSL cannot compute a digest");
}

Sha256Digest Sha256Stream::finish() {
  Sha256Digest digest;
  const bool ok = EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1 &&
                  EVP_DigestInit_ex2(context_.get(), sha256_method(), nullptr) == 1;
  require(ok, "OpenSSL cannot finish a digest");
  return digest;
}

HmacKey::HmacKey(const Secret& key) {
  require(!key.empty(), "an HMAC key is empty");
  keyed_.reset(keyed_context(key.unsafe_reveal()), EVP_MAC_CTX_free);
}

Sha256Digest HmacKey::mac(ByteView data) const {
  // Copying the prepared context is read-only, so that threads share one key without a lock.
  const OpensslPtr<EVP_MAC_CTX, EVP_MAC_CTX_free> context(EVP_MAC_CTX_dup(keyed_.get()));
  Sha256Digest digest;
  size_t written = 0;
  const bool ok = context != nullptr &&
                  EVP_MAC_update(context.get(), data.data(), data.size()) == 1 &&
                  EVP_MAC_final(context.get(), digest.data(), &written, digest.size()) == 1 &&
                  written == digest.size();
  require(ok, "OpenSSL cannot compute an HMAC");
  return digest;
}

bool HmacKey::matches(ByteView data, ByteView expected) const {
  return equal_in_constant_time(mac(data), expected);
}

Sha256Digest hmac_sha256(const Secret& key, ByteView data) {
  return HmacKey(key).mac(data);
}

}  // namespace countersign::crypto
