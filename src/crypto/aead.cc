#include "crypto/aead.h"

#include "crypto/openssl.h"

namespace countersign::crypto {
namespace {

using CipherContextPtr = OpensslPtr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  require(cipher != nullptr, "OpenSSL's default provider has no AES-256-GCM");
  return cipher;
}

CipherContextPtr new_context() {
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  require(context != nullptr, "out of memory in OpenSSL");
  return context;
}

std::unexpected<Error> not_authentic() {
  return fail(ErrorKind::corrupt, "crypto.not_authentic", "the sealed data does not verify");
}

}  // namespace

Result<AeadKey> AeadKey::create(Secret key) {
  if (key.size() != key_bytes) {
    return fail(ErrorKind::misconfigured, "crypto.bad_key_length",
                "an encryption key must be 32 bytes long");
  }
  return AeadKey(std::move(key));
}

Result<Bytes> AeadKey::seal(ByteView plaintext, ByteView associated_data, Entropy& entropy) const {
  if (plaintext.size() > plaintext_bytes_max || associated_data.size() > plaintext_bytes_max) {
    return fail(ErrorKind::too_large, "crypto.too_large", "the data to be sealed is too large");
  }
  const ErrorQueueCleaner cleaner;
  Bytes sealed(plaintext.size() + overhead_bytes);
  entropy.fill(std::span(sealed).first(nonce_bytes));
  uint8_t* const ciphertext = sealed.data() + nonce_bytes;
  uint8_t* const tag = ciphertext + plaintext.size();
  const CipherContextPtr context = new_context();
  int written = 0;
  const bool ok =
      EVP_EncryptInit_ex2(context.get(), aes_256_gcm(), key_.unsafe_reveal().data(), sealed.data(),
                          nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &written, associated_data.data(),
                        static_cast<int>(associated_data.size())) == 1 &&
      EVP_EncryptUpdate(context.get(), ciphertext, &written, plaintext.data(),
                        static_cast<int>(plaintext.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), tag, &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, int{tag_bytes}, tag) == 1;
  if (!ok) {
    return fail(ErrorKind::internal, "crypto.seal_failed", "the data cannot be sealed",
                openssl_failure());
  }
  return sealed;
}

Result<Secret> AeadKey::open(ByteView sealed, ByteView associated_data) const {
  if (sealed.size() < overhead_bytes || sealed.size() > plaintext_bytes_max + overhead_bytes ||
      associated_data.size() > plaintext_bytes_max) {
    return not_authentic();
  }
  const ErrorQueueCleaner cleaner;
  const ByteView ciphertext = sealed.subspan(nonce_bytes, sealed.size() - overhead_bytes);
  Bytes tag(sealed.end() - std::ptrdiff_t{tag_bytes}, sealed.end());
  Bytes plaintext(ciphertext.size());
  const CipherContextPtr context = new_context();
  int written = 0;
  // The tag is compared by EVP_DecryptFinal_ex; what was decrypted before is wiped if it does not
  // hold.
  const bool ok =
      EVP_DecryptInit_ex2(context.get(), aes_256_gcm(), key_.unsafe_reveal().data(), sealed.data(),
                          nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &written, associated_data.data(),
                        static_cast<int>(associated_data.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), plaintext.data(), &written, ciphertext.data(),
                        static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, int{tag_bytes}, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), plaintext.data() + plaintext.size(), &written) == 1;
  Secret opened = Secret::take(std::move(plaintext));
  if (!ok) return not_authentic();
  return opened;
}

}  // namespace countersign::crypto
