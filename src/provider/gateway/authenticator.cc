#include "provider/gateway/authenticator.h"

#include <utility>

#include "provider/gateway/cut_offs.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

using protocol::Reason;
using protocol::Verdict;

namespace {

std::unexpected<protocol::Denial> not_accepted(std::string_view which) {
  return protocol::deny(Reason::scheme_not_accepted, which);
}

bool accepts_any_of(uint32_t accepted, std::string_view authorization) {
  for (const SchemeRow& row : all_schemes()) {
    if (row.authorization == authorization && (accepted & scheme_bit(row)) != 0) return true;
  }
  return false;
}

// Asks the rows of this form one after the other: the first that takes the credential for its own
// decides.
Verdict<PrincipalPtr> verify(std::string_view authorization, Evidence& evidence) {
  for (const SchemeRow& row : all_schemes()) {
    if (row.authorization != authorization) continue;
    auto principal = row.scheme->verify(row, evidence);
    if (!principal || *principal != nullptr) return principal;
  }
  return protocol::deny(Reason::binding_unknown, "no scheme takes a token with this confirmation");
}

// Brings an entry up to the view's version: the client and key as they are, then their cut-offs.
// The version is only noted when all of it holds, so that a refusal is found again by the next
// request.
Verdict<> bring_up_to_date(VerificationCache::Entry& entry, const RegistryView& registry) {
  auto renewed = entry.principal->scheme().scheme->renew(*entry.principal, registry);
  if (!renewed) return std::unexpected(std::move(renewed).error());
  if (auto standing = check_cut_offs(**renewed, registry); !standing) return standing;
  entry.principal = *std::move(renewed);
  entry.registry_version = registry.version();
  return {};
}

Verdict<> check_lifetime(const Principal& principal, WallTime now) {
  const bool is_key = principal.key_entry() != nullptr;
  if (principal.expired(now)) {
    return protocol::deny(is_key ? Reason::key_expired : Reason::token_expired);
  }
  if (now < principal.not_before()) {
    return protocol::deny(is_key ? Reason::key_expired : Reason::token_not_yet_valid,
                          "not valid yet");
  }
  return {};
}

}  // namespace

Verdict<VerificationCache::Entry*> Authenticator::find_or_verify(
    const PresentedCredential& presented, uint32_t accepted, const RegistryView& registry,
    WallTime now) {
  const TokenTrust* trust = trust_.get();
  if (trust != trust_seen_) [[unlikely]] {
    // Other keys or other rules: nothing that was proven under the old ones counts.
    cache_.clear();
    trust_seen_ = trust;
  }
  VerificationCache::Entry* entry = cache_.find(presented.credential);
  if (entry != nullptr && entry->principal->scheme().authorization == presented.authorization) {
    return entry;
  }
  // What no row could accept is not worth a signature.
  if (!accepts_any_of(accepted, presented.authorization)) {
    return not_accepted(presented.authorization);
  }
  Evidence evidence(presented.credential, registry, peppers_, trust, now);
  auto principal = verify(presented.authorization, evidence);
  if (!principal) return std::unexpected(std::move(principal).error());
  return &cache_.put(presented.credential, *std::move(principal));
}

Verdict<PrincipalPtr> Authenticator::authenticate(const PresentedCredential& presented,
                                                  uint32_t accepted, const RegistryView& registry,
                                                  WallTime now) {
  auto entry = find_or_verify(presented, accepted, registry, now);
  if (!entry) return std::unexpected(std::move(entry).error());
  if ((*entry)->registry_version != registry.version()) [[unlikely]] {
    if (auto current = bring_up_to_date(**entry, registry); !current) {
      return std::unexpected(std::move(current).error());
    }
  }
  const PrincipalPtr& principal = (*entry)->principal;
  if (auto current = check_lifetime(*principal, now); !current) {
    return std::unexpected(std::move(current).error());
  }
  if ((accepted & scheme_bit(principal->scheme())) == 0) {
    return not_accepted(principal->scheme().name);
  }
  return principal;
}

}  // namespace countersign::provider
