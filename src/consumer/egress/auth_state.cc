#include "consumer/egress/auth_state.h"

#include <algorithm>

namespace countersign::consumer {
namespace {

double seconds_until(WallTime end, WallTime now) {
  return std::chrono::duration<double>(end - now).count();
}

// A token ends on whichever clock is earlier.
double seconds_left(const Token& token, const Instant& now) {
  const double boot = std::chrono::duration<double>(token.expires.boot - now.boot).count();
  return std::max(0.0, std::min(boot, seconds_until(token.expires.wall, now.wall)));
}

void limit(AuthState& state, double seconds, std::string_view by) {
  const double left = std::max(0.0, seconds);
  if (left >= state.runway_seconds) return;
  state.runway_seconds = left;
  state.limited_by = by;
}

void take_slot(AuthState& state, const SlotState& slot, const Instant& now) {
  state.has_token = true;
  state.token_status = slot.status_at(now);
  state.grants = slot.grants;
  state.failures = slot.failures;
  if (slot.token) {
    state.generation = slot.token->generation;
    state.token_seconds = seconds_left(*slot.token, now);
  }
  // `fresh` says that the last renewal worked, and so will the next as far as anyone knows.
  if (state.token_status == TokenStatus::fresh) return;
  state.failure_code = slot.why.code;
  state.failure_text = slot.why.public_text;
  limit(state, state.token_seconds, "token");
}

}  // namespace

AuthState auth_state_of(const ProcessScheme& scheme, const IdentityEnds& ends, const Instant& now) {
  AuthState state;
  state.ends = ends;
  if (const TokenSlot* slot = scheme.slot()) {
    const auto published = slot->state();
    take_slot(state, published ? *published : SlotState{}, now);
  }
  const auto limit_by = [&](const std::optional<WallTime>& end, std::string_view by) {
    if (end) limit(state, seconds_until(*end, now.wall), by);
  };
  limit_by(ends.certificate, "certificate");
  limit_by(ends.trust_anchors, "trust_anchors");
  // Without the issuer there is no next token; the present one still serves to its end.
  if (ends.issuer_trust_anchors && state.has_token) {
    const double left = seconds_until(*ends.issuer_trust_anchors, now.wall);
    limit(state, std::max(left, state.token_seconds), "issuer_trust_anchors");
  }
  return state;
}

}  // namespace countersign::consumer
