#include "consumer/token.h"

#include <algorithm>

namespace countersign::consumer {

SlotKey SlotKey::normalised() const {
  SlotKey key = *this;
  std::ranges::sort(key.scopes);
  const auto repeated = std::ranges::unique(key.scopes);
  key.scopes.erase(repeated.begin(), repeated.end());
  return key;
}

std::string_view name_of(TokenStatus status) {
  switch (status) {
    case TokenStatus::empty:
      return "empty";
    case TokenStatus::fresh:
      return "fresh";
    case TokenStatus::stale_valid:
      return "stale_valid";
    case TokenStatus::expired:
      return "expired";
    case TokenStatus::rejected:
      return "rejected";
    case TokenStatus::misconfigured:
      return "misconfigured";
  }
  panic("a TokenStatus without a name");
}

}  // namespace countersign::consumer
