#include "provider/gateway/limits.h"

#include <algorithm>

#include <fmt/format.h>

namespace countersign::provider {

using protocol::Reason;
using protocol::Verdict;

namespace {

uint64_t whole_seconds(BootClock::duration time) {
  return static_cast<uint64_t>(std::chrono::ceil<std::chrono::seconds>(time).count());
}

// The bucket of the credential that the principal calls with; null if it has none.
TokenBucket* credential_bucket(const Principal& principal, const RegistryView& registry) {
  if (principal.key_entry()) return &principal.key_entry()->bucket;
  if (principal.credential_id().empty()) return nullptr;
  const SecretPtr& secret = registry.find_secret(principal.credential_id());
  return secret ? &secret->bucket : nullptr;
}

Verdict<> refuse(const Principal& principal, const LimitState& state) {
  return protocol::deny(Reason::rate_limited,
                        fmt::format("{} of {}: {} in {} s", state.name, principal.client_id(),
                                    state.limit.requests, whole_seconds(state.limit.window)));
}

// Two numbers of ten digits and a short name fit.
template <typename... Values>
size_t print(std::array<char, 64>& into, fmt::format_string<const Values&...> format,
             const Values&... values) {
  const auto end = fmt::format_to_n(into.data(), into.size(), format, values...);
  return std::min(end.size, into.size());
}

// Whoever reads one pair of fields wants the one that ends first.
const LimitState& tighter(const LimitState& one, const LimitState& other) {
  return one.outcome.remaining < other.outcome.remaining ? one : other;
}

}  // namespace

Verdict<> check_limits(const Principal& principal, const LimitOptions& options,
                       const RegistryView& registry, BootTime now,
                       std::optional<LimitState>& state) {
  const ClientEntry& client = principal.client();
  const std::optional<RateLimit>& of_client =
      client.rate_limit ? client.rate_limit : options.client;
  TokenBucket* const credential =
      options.credential ? credential_bucket(principal, registry) : nullptr;
  if (credential != nullptr) {
    state = {"credential", *options.credential, credential->take(*options.credential, now)};
    if (!state->outcome.taken) return refuse(principal, *state);
  }
  if (!of_client) return {};
  const LimitState whole{"client", *of_client, client.bucket.take(*of_client, now)};
  if (!whole.outcome.taken) {
    if (credential != nullptr) credential->give_back(*options.credential);
    state = whole;
    return refuse(principal, whole);
  }
  state = state ? tighter(*state, whole) : whole;
  return {};
}

LimitFields::LimitFields(const LimitState& state)
    : policy_bytes_(print(policy_, "\"{}\";q={};w={}", state.name, state.limit.requests,
                          whole_seconds(state.limit.window))),
      standing_bytes_(print(standing_, "\"{}\";r={};t={}", state.name, state.outcome.remaining,
                            whole_seconds(state.outcome.until_full))) {}

uint64_t retry_after(const LimitState& state) {
  return std::max<uint64_t>(whole_seconds(state.outcome.until_next), 1);
}

}  // namespace countersign::provider
