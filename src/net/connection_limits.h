// ConnectionLimits: how many connections a process serves, in all, from one address, and in their
// handshakes. One object for all loops; thread-safe. Off the request path: asked once per
// connection.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/ip_address.h"
#include "core/token_bucket.h"

namespace countersign::net {

struct ConnectionLimitOptions {
  size_t connections_max = 10'000;
  size_t per_address_max = 1'000;      // a provider's clients often share a few addresses
  uint32_t handshakes_per_second = 0;  // as many at once; 0: no limit
  size_t handshakes_max = 512;  // each costs a signature: more at once only make all of them late

  friend bool operator==(const ConnectionLimitOptions&, const ConnectionLimitOptions&) = default;
};

class ConnectionLimits final {
 public:
  explicit ConnectionLimits(const ConnectionLimitOptions& options) : options_(options) {}

  // Counts one thing until it is destroyed.
  class Permit;

  // False while accepting another one would break a limit of the whole process.
  bool room() const {
    return connections_.load(std::memory_order_relaxed) < options_.connections_max &&
           handshakes_.load(std::memory_order_relaxed) < options_.handshakes_max;
  }
  // Nothing if the address (or the process) has too many.
  std::optional<Permit> admit(const IpAddress& address);
  // Whose address is not known yet: Permit::name() has to follow.
  std::optional<Permit> admit_unnamed();
  // Nothing if there are too many, or were in the last second.
  std::optional<Permit> admit_handshake(BootTime now);

  size_t connections() const { return connections_.load(std::memory_order_relaxed); }
  size_t handshakes() const { return handshakes_.load(std::memory_order_relaxed); }

 private:
  struct HashAddress {
    size_t operator()(const IpAddress& address) const;
  };
  enum class Kind { handshake, connection, unnamed_connection };
  bool count(const IpAddress& address);
  void forget(const IpAddress& address);
  void release(Kind kind, const IpAddress& address);

  const ConnectionLimitOptions options_;
  std::atomic<size_t> connections_ = 0;
  std::atomic<size_t> handshakes_ = 0;
  TokenBucket handshake_rate_;
  std::mutex mutex_;
  std::unordered_map<IpAddress, size_t, HashAddress> per_address_;
};

// Adds one to a shared count while it lives. The count may be read by any thread.
class Counted final {
 public:
  using Count = std::shared_ptr<std::atomic<size_t>>;
  Counted() = default;
  explicit Counted(Count count) : count_(std::move(count)) {
    count_->fetch_add(1, std::memory_order_relaxed);
  }
  Counted(Counted&&) noexcept = default;
  Counted& operator=(Counted&& other) noexcept {
    std::swap(count_, other.count_);
    return *this;
  }
  ~Counted() {
    if (count_) count_->fetch_sub(1, std::memory_order_relaxed);
  }
  explicit operator bool() const { return count_ != nullptr; }

 private:
  Count count_;
};

class ConnectionLimits::Permit final {
 public:
  Permit(Permit&& other) noexcept
      : limits_(std::exchange(other.limits_, nullptr)),
        kind_(other.kind_),
        address_(other.address_) {}
  Permit& operator=(Permit&&) = delete;
  ~Permit() {
    if (limits_) limits_->release(kind_, address_);
  }

  // An unnamed connection is this address's. False if that has too many.
  bool name(const IpAddress& address);

 private:
  friend class ConnectionLimits;
  Permit(ConnectionLimits& limits, Kind kind, const IpAddress& address = {})
      : limits_(&limits), kind_(kind), address_(address) {}
  ConnectionLimits* limits_;
  Kind kind_;
  IpAddress address_;
};

}  // namespace countersign::net
