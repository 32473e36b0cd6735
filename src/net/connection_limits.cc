#include "net/connection_limits.h"

#include <string_view>

#include "core/bytes.h"

namespace countersign::net {

size_t ConnectionLimits::HashAddress::operator()(const IpAddress& address) const {
  return std::hash<std::string_view>()(as_text(address.octets()));
}

// Under the mutex.
bool ConnectionLimits::count(const IpAddress& address) {
  size_t& count = per_address_[address];
  if (count < options_.per_address_max) return ++count > 0;
  if (count == 0) per_address_.erase(address);
  return false;
}

// Under the mutex.
void ConnectionLimits::forget(const IpAddress& address) {
  const auto found = per_address_.find(address);
  if (--found->second == 0) per_address_.erase(found);
}

std::optional<ConnectionLimits::Permit> ConnectionLimits::admit(const IpAddress& address) {
  const std::lock_guard lock(mutex_);
  if (connections_.load(std::memory_order_relaxed) >= options_.connections_max) return {};
  if (!count(address)) return {};
  connections_.fetch_add(1, std::memory_order_relaxed);
  return Permit(*this, Kind::connection, address);
}

std::optional<ConnectionLimits::Permit> ConnectionLimits::admit_unnamed() {
  const std::lock_guard lock(mutex_);
  if (connections_.load(std::memory_order_relaxed) >= options_.connections_max) return {};
  connections_.fetch_add(1, std::memory_order_relaxed);
  return Permit(*this, Kind::unnamed_connection);
}

bool ConnectionLimits::Permit::name(const IpAddress& address) {
  const std::lock_guard lock(limits_->mutex_);
  if (!limits_->count(address)) return false;
  kind_ = Kind::connection;
  address_ = address;
  return true;
}

std::optional<ConnectionLimits::Permit> ConnectionLimits::admit_handshake(BootTime now) {
  if (handshakes_.fetch_add(1, std::memory_order_relaxed) >= options_.handshakes_max) {
    handshakes_.fetch_sub(1, std::memory_order_relaxed);
    return {};
  }
  Permit permit(*this, Kind::handshake);
  const uint32_t rate = options_.handshakes_per_second;
  if (rate != 0) {
    const RateLimit limit{.requests = rate, .window = std::chrono::seconds(1), .burst = rate};
    if (!handshake_rate_.take(limit, now).taken) return {};
  }
  return permit;
}

void ConnectionLimits::release(Kind kind, const IpAddress& address) {
  if (kind == Kind::handshake) {
    handshakes_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  const std::lock_guard lock(mutex_);
  if (kind == Kind::connection) forget(address);
  connections_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace countersign::net
