#include "consumer/token_sharing.h"

#include <utility>

#include "consumer/shared_token_source.h"
#include "core/bytes.h"

namespace countersign::consumer {
namespace {

constexpr size_t owner_bytes = 12;  // two processes of the same name would publish for each other

}  // namespace

TokenSharing::TokenSharing(Parts parts, TokenSharingOptions options)
    : parts_(std::move(parts)),
      options_(options),
      owner_(encode_base64url(parts_.entropy.bytes(owner_bytes))) {}

std::unique_ptr<TokenSource> TokenSharing::share(const SlotKey& key, TokenSource& issuer,
                                                 const SlotOptions& slot) {
  // Two slots of one process are as foreign to each other as two processes.
  const std::string owner = owner_ + "." + std::to_string(++sources_made_);
  return std::make_unique<SharedTokenSource>(*this, key, owner, issuer, slot);
}

void TokenSharing::store_is_away(const Error& why) {
  if (std::exchange(why_away_, why).code.empty()) {
    parts_.log.warning("token_store.away",
                       {{"error", why}, {"effect", "tokens are renewed without sharing them"}});
  }
}

void TokenSharing::store_is_there() {
  if (!is_away()) return;
  why_away_ = {};
  parts_.log.info("token_store.back");
}

void TokenSharing::token_is_unreadable(const std::string& slot, uint64_t generation,
                                       const Error& why) {
  parts_.log.warning("token_store.unreadable_token",
                     {{"slot", slot}, {"generation", generation}, {"error", why}});
}

}  // namespace countersign::consumer
