// WatchEvent: what the rules of the watch see of a decision. WatchTap: the loop's side of it, which
// passes on what could matter and forgets the rest at once.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ip_address.h"
#include "provider/audit/audit_record.h"

namespace countersign::provider {

struct WatchEvent {
  AuditOutcome outcome = AuditOutcome::allow;
  std::string client;      // empty unless it was proven to be the one who asked
  std::string credential;  // key id or secret id; empty: the client's certificate alone
  std::string decision;
  std::string reason;
  IpAddress remote;
  uint64_t certificate = 0;  // the first 8 bytes of its thumbprint; 0: none was shown
  WallTime time{};
};

// Takes events of one loop, from any of its audit logs. Thread-safe.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  virtual void take(std::vector<WatchEvent> events) = 0;
};

// One loop's. Allowed requests of a credential from where it was seen within this hour cost a hash
// and a compare, and are not passed on.
class WatchTap final {
 public:
  // Notes the decision, if a rule could care.
  void see(const AuditRecord& record, WallTime time);
  bool empty() const { return events_.empty(); }
  std::vector<WatchEvent> take();
  // Those beyond what is kept until take(): a flood of denials is one whether all of it is seen or
  // not.
  uint64_t dropped() const { return dropped_; }

 private:
  static constexpr size_t events_max = 1024;
  static constexpr size_t seen_slots = 1024;  // a power of two
  bool seen_before(const AuditRecord& record, WallTime time);

  std::vector<WatchEvent> events_;
  std::vector<uint64_t> seen_;  // made at the first event
  uint64_t dropped_ = 0;
};

// The network that an address is taken for: /24 of IPv4, /64 of IPv6.
uint64_t watch_network(const IpAddress& address);

}  // namespace countersign::provider
