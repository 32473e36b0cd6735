// VerificationCache: principals by the digest of the credential that proved them, so that a token's
// signature is verified once and not on every request. One per loop, no lock. Only what was
// verified gets in, so strangers cannot fill it.
//
// It remembers proofs, not decisions: who uses an entry looks at expiry, bindings and cut-offs each
// time.

#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/digest.h"
#include "provider/schemes/principal.h"

namespace countersign::provider {

class VerificationCache final {
 public:
  struct Entry {
    PrincipalPtr principal;
    // The registry version that the principal was made from and whose cut-offs it passed; 0: none
    // yet.
    uint64_t registry_version = 0;
  };

  // At most `capacity` > 0 entries, about 1 KiB each; the recently used stay (second chance).
  explicit VerificationCache(size_t capacity);
  ~VerificationCache();
  VerificationCache(const VerificationCache&) = delete;
  VerificationCache& operator=(const VerificationCache&) = delete;

  // Null if it is not there. Valid until the next put() or clear(). A credential seen a moment ago
  // is recognised by its bytes; any other costs one SHA-256.
  Entry* find(std::string_view credential);
  // Adds or replaces. The reference is valid until the next put() or clear().
  Entry& put(std::string_view credential, PrincipalPtr principal);
  void clear();

  size_t size() const { return index_.size(); }

 private:
  static constexpr size_t no_slot = SIZE_MAX;
  static constexpr size_t recent_count = 256;  // about the connections a loop has busy at once
  static constexpr size_t recent_bytes_max = 2 * 1024;  // longer credentials always cost the digest

  struct Slot {
    crypto::Sha256Digest digest{};
    Entry entry;
    bool used = false;  // since the hand last passed
  };
  // SHA-256 is as good as random, and only signed credentials get in: nobody can aim at a bucket.
  struct DigestHash {
    size_t operator()(const crypto::Sha256Digest& digest) const {
      size_t hash = 0;
      std::memcpy(&hash, digest.data(), sizeof(hash));
      return hash;
    }
  };
  struct Recent {
    std::string credential;  // wiped before it is replaced
    size_t slot = no_slot;
  };

  Recent& recent_for(std::string_view credential);
  void remember(std::string_view credential, size_t slot);
  size_t free_slot();

  size_t capacity_;
  std::vector<Slot> slots_;
  std::unordered_map<crypto::Sha256Digest, size_t, DigestHash> index_;
  std::vector<Recent> recent_;
  size_t hand_ = 0;
};

}  // namespace countersign::provider
