// An access token as the consumer holds it, and the states of the slot that holds it.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/error.h"
#include "core/secret.h"

namespace countersign::consumer {

// One moment on both clocks. A token ends on whichever comes first: the boot clock notices a
// suspended machine and a wall clock that was set back, the wall clock agrees with the issuer.
struct Instant {
  BootTime boot{};
  WallTime wall{};
};

// Which token: two calls share a slot only if all of this is equal. A changed credential is another
// key, therefore another slot, so that nothing obtained with the old one is used with the new one.
struct SlotKey {
  std::string issuer = {};
  std::string client_id = {};
  uint64_t credential_version = 0;       // ClientAuthentication::version()
  std::vector<std::string> scopes = {};  // sorted, without duplicates: see normalised()
  // What else the token is asked for with, as the request's form writes it: resources (RFC 8707)
  // and extra parameters, each sorted. Empty: nothing.
  std::string resource = {};
  std::string certificate_thumbprint =
      {};  // RFC 8705 x5t#S256 of the certificate it is bound to; empty: not bound

  SlotKey normalised() const;
  friend bool operator==(const SlotKey&, const SlotKey&) = default;
};

// A token in use. Immutable once published.
struct Token {
  Secret field_value = {};  // what goes behind "Authorization:": "Bearer eyJ…"
  uint64_t generation = 0;  // 1, 2, 3, …: what reject() names
  Instant expires = {};     // counted from the start of the request that obtained it

  // True strictly before either end.
  bool valid_at(const Instant& now) const {
    return now.boot < expires.boot && now.wall < expires.wall;
  }
};

// How a slot is. In every state a token that has not ended is used; without one, calls fail closed.
enum class TokenStatus {
  empty,          // none was obtained yet
  fresh,          // valid, and the last renewal succeeded
  stale_valid,    // valid, but the last renewal failed: it is used to its true end
  expired,        // ended, and no newer one could be had
  rejected,       // the provider refused it; a newer one is being asked for, at a bounded rate
  misconfigured,  // the issuer refuses this client: passes only when a human acts
};
std::string_view name_of(TokenStatus status);

}  // namespace countersign::consumer
