// Digests and message authentication: SHA-256, SHA-512, HMAC-SHA-256 (RFC 6234, RFC 2104). All of
// it is thread-safe and, after a thread's first call, allocates nothing. Not for passwords.

#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "core/bytes.h"
#include "core/secret.h"

struct evp_mac_ctx_st;
struct evp_md_ctx_st;

namespace countersign::crypto {

using Sha256Digest = std::array<uint8_t, 32>;
using Sha512Digest = std::array<uint8_t, 64>;

// After a thread's first call these allocate nothing.
Sha256Digest sha256(ByteView data);
Sha512Digest sha512(ByteView data);

// SHA-256 over what arrives in pieces.
class Sha256Stream final {
 public:
  Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  ~Sha256Stream();

  void update(ByteView piece);
  // The digest of all pieces. The stream then starts afresh.
  Sha256Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// HMAC-SHA-256 under one key used many times (a pepper, a MAC key). The key is prepared once; mac()
// may be called by many threads at a time.
class HmacKey final {
 public:
  // Any length; 32 random bytes are right. An empty key is a broken invariant: it would protect
  // nothing.
  explicit HmacKey(const Secret& key);

  Sha256Digest mac(ByteView data) const;
  // True if `expected` is the whole MAC of `data`; compares in constant time. Fails closed.
  bool matches(ByteView data, ByteView expected) const;

 private:
  std::shared_ptr<evp_mac_ctx_st> keyed_;  // never changed; each mac() works on a copy
};

// For a key used once.
Sha256Digest hmac_sha256(const Secret& key, ByteView data);

}  // namespace countersign::crypto
