#include "crypto/openssl.h"

#include <cstring>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "core/error.h"

namespace countersign::crypto {

ErrorQueueCleaner::~ErrorQueueCleaner() {
  ERR_clear_error();
}

std::string openssl_failure() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "OpenSSL gave no reason" : reason;
}

void require(bool ok, std::string_view what) {
  if (!ok) panic(what);
}

namespace {

const EVP_MD* fetch_digest(const char* name) {
  const EVP_MD* method = EVP_MD_fetch(nullptr, name, nullptr);
  require(method != nullptr, "OpenSSL's default provider has no SHA-2");
  return method;
}

}  // namespace

const EVP_MD* sha256_method() {
  static const EVP_MD* const method = fetch_digest("SHA256");
  return method;
}

const EVP_MD* sha512_method() {
  static const EVP_MD* const method = fetch_digest("SHA512");
  return method;
}

int give_passphrase(char* out, int out_size, int /*writing*/, void* context) {
  const auto& passphrase = *static_cast<const Secret*>(context);
  if (passphrase.empty() || passphrase.size() > static_cast<size_t>(out_size)) return -1;
  std::memcpy(out, passphrase.unsafe_reveal().data(), passphrase.size());
  return static_cast<int>(passphrase.size());
}

Secret private_key_to_pem(const EVP_PKEY* key) {
  // Secure memory wipes itself when it is freed.
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  require(bio != nullptr && PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0,
                                                          nullptr, nullptr) == 1,
          "OpenSSL cannot write a private key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return Secret::copy_of({data, static_cast<size_t>(size)});
}

BioPtr memory_bio(std::string_view text) {
  require(text.size() <= INT_MAX, "a text of more than 2 GiB reached OpenSSL");
  // A null pointer is an error there, even with no bytes behind it.
  BioPtr bio(BIO_new_mem_buf(text.empty() ? "" : text.data(), static_cast<int>(text.size())));
  require(bio != nullptr, "out of memory in OpenSSL");
  return bio;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

}  // namespace countersign::crypto
