// Limits: how often a client, and each of its credentials, may call. Buckets are exact over all
// loops of a process (core/token_bucket.h) and stand in the registry's entries, so that a request
// finds its own without a look-up. Each gateway process counts for itself.
//
// RateLimit and RateLimit-Policy as of draft-ietf-httpapi-ratelimit-headers, RFC 9110 §10.2.3
// (Retry-After).

#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "core/clock.h"
#include "core/token_bucket.h"
#include "http/message.h"
#include "protocol/reason.h"
#include "provider/registry/registry_view.h"
#include "provider/schemes/principal.h"

namespace countersign::provider {

struct LimitOptions {
  std::optional<RateLimit> client;      // of each client that is registered without its own
  std::optional<RateLimit> credential;  // of each API key and client secret
};

// The limit that is nearest to being reached, as of one request.
struct LimitState {
  std::string_view name;  // "client" or "credential"
  RateLimit limit;
  TokenBucket::Outcome outcome;
};

// Takes one call of the credential's and of the client's, or none of either: then denied with
// rate_limited. `state` has the tighter of the two, nullopt where no limit holds. A token that no
// secret was used for has no credential of its own: the client's limit is its limit. Costs two
// compares where nothing is configured. Fails closed.
protocol::Verdict<> check_limits(const Principal& principal, const LimitOptions& options,
                                 const RegistryView& registry, BootTime now,
                                 std::optional<LimitState>& state);

// What a response says about a limit: {"RateLimit-Policy", "\"client\";q=100;w=1"} and
// {"RateLimit", "\"client\";r=42;t=1"}. The views live as long as the object.
class LimitFields final {
 public:
  explicit LimitFields(const LimitState& state);
  LimitFields(const LimitFields&) = delete;
  LimitFields& operator=(const LimitFields&) = delete;

  http::Field policy() const { return {"RateLimit-Policy", {policy_.data(), policy_bytes_}}; }
  http::Field standing() const { return {"RateLimit", {standing_.data(), standing_bytes_}}; }

 private:
  std::array<char, 64> policy_;
  std::array<char, 64> standing_;
  size_t policy_bytes_;
  size_t standing_bytes_;
};
// The value of Retry-After: whole seconds, at least one.
uint64_t retry_after(const LimitState& state);

}  // namespace countersign::provider
