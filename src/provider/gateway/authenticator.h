// Authenticator: from a presented credential to a Principal, by the schemes and the cache of what
// they proved. One per loop.
//
// What it costs: a credential seen before, one lookup and one compare of the registry's version;
// after a change of the registry, a few lookups more; a new token, one signature; a new key, one
// MAC. A credential that was refused because of the registry is refused again without repeating the
// proof.

#pragma once

#include <cstdint>

#include "core/published.h"
#include "protocol/pepper.h"
#include "protocol/reason.h"
#include "provider/gateway/presented_credential.h"
#include "provider/gateway/verification_cache.h"
#include "provider/registry/registry_view.h"
#include "provider/schemes/access_token.h"

namespace countersign::provider {

class Authenticator final {
 public:
  // The references outlive it.
  Authenticator(const Published<TokenTrust>& trust, const protocol::Peppers& peppers,
                size_t cache_entries)
      : trust_(trust), peppers_(peppers), cache_(cache_entries) {}

  // Proven, current at `now`, client active, not cut off, and of a scheme in the mask `accepted`.
  // `registry` was synced for this decision. Fails closed. Does not check bindings.
  protocol::Verdict<PrincipalPtr> authenticate(const PresentedCredential& presented,
                                               uint32_t accepted, const RegistryView& registry,
                                               WallTime now);

  size_t cached() const { return cache_.size(); }

 private:
  protocol::Verdict<VerificationCache::Entry*> find_or_verify(const PresentedCredential& presented,
                                                              uint32_t accepted,
                                                              const RegistryView& registry,
                                                              WallTime now);

  Published<TokenTrust>::Reader trust_;
  const TokenTrust* trust_seen_ = nullptr;
  const protocol::Peppers& peppers_;
  VerificationCache cache_;
};

}  // namespace countersign::provider
