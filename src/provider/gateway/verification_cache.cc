#include "provider/gateway/verification_cache.h"

#include <utility>

#include "core/secret.h"

namespace countersign::provider {

namespace {

// Time depends on the lengths only, as with equal_in_constant_time(), but by whole words: this runs
// once per request over a whole token.
bool equal_without_hints(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  uint64_t difference = 0;
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= a.size(); at += sizeof(uint64_t)) {
    uint64_t left = 0;
    uint64_t right = 0;
    std::memcpy(&left, a.data() + at, sizeof(left));
    std::memcpy(&right, b.data() + at, sizeof(right));
    difference |= left ^ right;
  }
  for (; at < a.size(); ++at) difference |= static_cast<uint8_t>(a[at] ^ b[at]);
  return difference == 0;
}

}  // namespace

VerificationCache::VerificationCache(size_t capacity)
    : capacity_(capacity), recent_(recent_count) {}

VerificationCache::~VerificationCache() {
  clear();
}

VerificationCache::Entry* VerificationCache::find(std::string_view credential) {
  const Recent& recent = recent_for(credential);
  if (recent.slot != no_slot && equal_without_hints(recent.credential, credential)) {
    slots_[recent.slot].used = true;
    return &slots_[recent.slot].entry;
  }
  const auto found = index_.find(crypto::sha256(as_bytes(credential)));
  if (found == index_.end()) return nullptr;
  slots_[found->second].used = true;
  remember(credential, found->second);
  return &slots_[found->second].entry;
}

VerificationCache::Entry& VerificationCache::put(std::string_view credential,
                                                 PrincipalPtr principal) {
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(credential));
  const auto found = index_.find(digest);
  const size_t at = found != index_.end() ? found->second : free_slot();
  Slot& slot = slots_[at];
  // Not yet used: what is shown only once is the first to go.
  slot = {digest, {std::move(principal), 0}, false};
  index_[digest] = at;
  remember(credential, at);
  return slot.entry;
}

void VerificationCache::clear() {
  for (Recent& recent : recent_) {
    wipe(recent.credential);
    recent.slot = no_slot;
  }
  index_.clear();
  slots_.clear();
  hand_ = 0;
}

// The end of a credential is a signature or a checksum: it differs where the beginnings are alike.
VerificationCache::Recent& VerificationCache::recent_for(std::string_view credential) {
  uint64_t tail = credential.size();
  const size_t bytes = std::min(credential.size(), sizeof(tail));
  std::memcpy(&tail, credential.data() + credential.size() - bytes, bytes);
  return recent_[(tail * 0x9e3779b97f4a7c15u) >> 56];
}

void VerificationCache::remember(std::string_view credential, size_t slot) {
  static_assert(recent_count == size_t{1} << 8, "recent_for() takes 8 bits");
  if (credential.size() > recent_bytes_max) return;
  Recent& recent = recent_for(credential);
  wipe(recent.credential);
  recent.credential = credential;
  recent.slot = slot;
}

// A slot that is empty or whose entry was not used since the hand last came by; its entry is
// dropped.
size_t VerificationCache::free_slot() {
  if (slots_.size() < capacity_) {
    slots_.emplace_back();
    return slots_.size() - 1;
  }
  while (slots_[hand_].used) {
    slots_[hand_].used = false;
    hand_ = (hand_ + 1) % capacity_;
  }
  const size_t at = hand_;
  hand_ = (hand_ + 1) % capacity_;
  index_.erase(slots_[at].digest);
  for (Recent& recent : recent_) {
    if (recent.slot == at) recent.slot = no_slot;
  }
  return at;
}

}  // namespace countersign::provider
