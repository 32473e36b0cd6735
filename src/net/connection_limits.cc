#include "net/connection_limits.h"

#include <string_view>

#include "core/bytes.h"

namespace countersign::net {

size_t ConnectionLimits::HashAddress::operator()(const IpAddress& address) const {
  return std::hash<std::string_view>()(as_text(address.octets()));
}

std::optional<ConnectionLimits::Permit> ConnectionLimits::admit(const IpAddress& address) {
  const std::lock_guard lock(mutex_);
  if (connections_.load(std::memory_order_relaxed) >= options_.connections_max) return {};
  size_t& count = per_address_[address];
  if (count >= options_.per_address_max) {
    if (count == 0) per_address_.erase(address);
    return {};
  }
  ++count;
  connections_.fetch_add(1, std::memory_order_relaxed);
  return Permit(*this, address);
}

std::optional<ConnectionLimits::Permit> ConnectionLimits::admit_handshake() {
  if (handshakes_.fetch_add(1, std::memory_order_relaxed) >= options_.handshakes_max) {
    handshakes_.fetch_sub(1, std::memory_order_relaxed);
    return {};
  }
  return Permit(*this, std::nullopt);
}

void ConnectionLimits::release(const std::optional<IpAddress>& address) {
  if (!address) {
    handshakes_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  const std::lock_guard lock(mutex_);
  const auto found = per_address_.find(*address);
  if (--found->second == 0) per_address_.erase(found);
  connections_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace countersign::net
