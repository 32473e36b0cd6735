// AuthState: how the authentication of one API stands, and for how long calls can go on if nobody
// does anything: the auth runway.

#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "consumer/schemes/scheme.h"
#include "consumer/token.h"
#include "core/clock.h"

namespace countersign::consumer {

// When what a configuration holds ends. nullopt: there is none.
struct IdentityEnds {
  std::optional<WallTime> certificate = {};           // of the client's certificate
  std::optional<WallTime> trust_anchors = {};         // of the last CA to end: then none is left
  std::optional<WallTime> issuer_trust_anchors = {};  // the same of the issuer's, if it has its own
};

struct AuthState {
  bool has_token = false;  // the scheme works with tokens; what follows is about them
  TokenStatus token_status = TokenStatus::empty;
  uint64_t generation = 0;        // of the token in use; 0: none
  double token_seconds = 0;       // until it ends; 0: there is none
  uint64_t grants = 0;            // tokens obtained
  uint64_t failures = 0;          // attempts that gave none
  std::string failure_code = {};  // of the last one, if the slot is failing; empty: it is not
  std::string failure_text = {};
  IdentityEnds ends = {};
  // Until calls must fail. Infinite if nothing that is known ends. A token that can be renewed does
  // not limit it.
  double runway_seconds = std::numeric_limits<double>::infinity();
  // What ends first: "token", "certificate", "trust_anchors", "issuer_trust_anchors"; empty: none.
  std::string_view limited_by = {};

  bool can_call() const { return runway_seconds > 0; }
};

// Thread-safe.
AuthState auth_state_of(const ProcessScheme& scheme, const IdentityEnds& ends, const Instant& now);

}  // namespace countersign::consumer
