#include "provider/audit/watch_event.h"

#include <functional>
#include <string_view>
#include <utility>

namespace countersign::provider {
namespace {

uint64_t mix(uint64_t seed, uint64_t value) {
  // The finalizer of SplitMix64: every bit of both reaches every bit of the result.
  uint64_t z = seed ^ (value + 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t first_bytes(ByteView bytes) {
  uint64_t value = 0;
  if (bytes.size() < 8) return 0;
  for (const uint8_t byte : bytes.first(8)) value = value << 8 | byte;
  return value;
}

}  // namespace

uint64_t watch_network(const IpAddress& address) {
  const auto& octets = address.octets();
  uint64_t value = 0;
  const size_t length = address.is_v4() ? 3 : 8;
  for (size_t i = 0; i < length; ++i) value = value << 8 | octets[i];
  // No IPv6 address of a host begins so: it is multicast.
  return address.is_v4() ? value | 0xffff'ffff'0000'0000 : value;
}

// Two that fall on one slot take turns; then both are passed on, and the rules know them.
bool WatchTap::seen_before(const AuditRecord& record, WallTime time) {
  if (seen_.empty()) seen_.resize(seen_slots);
  constexpr std::hash<std::string_view> hash;
  uint64_t key = mix(hash(record.client), hash(record.credential_id));
  key = mix(key, record.remote == nullptr ? 0 : watch_network(*record.remote));
  key = mix(key, first_bytes(record.certificate_thumbprint));
  key = mix(key, static_cast<uint64_t>(to_unix_seconds(time) / 3600));
  uint64_t& slot = seen_[key & (seen_slots - 1)];
  return std::exchange(slot, key) == key;
}

void WatchTap::see(const AuditRecord& record, WallTime time) {
  if (record.event != AuditEvent::request && record.event != AuditEvent::token) return;
  const bool allowed = record.outcome == AuditOutcome::allow;
  if (allowed && seen_before(record, time)) return;
  if (events_.size() >= events_max) {
    ++dropped_;
    return;
  }
  WatchEvent event;
  event.outcome = record.outcome;
  // A scheme, or a way of authentication, is named only once it has proven the client. Otherwise
  // anybody could have another's client cut off.
  if (!record.scheme.empty()) {
    event.client = record.client;
    event.credential = record.credential_id;
  }
  event.decision = record.decision_id;
  event.reason = record.reason;
  if (record.remote != nullptr) event.remote = *record.remote;
  event.certificate = first_bytes(record.certificate_thumbprint);
  event.time = time;
  events_.push_back(std::move(event));
}

std::vector<WatchEvent> WatchTap::take() {
  return std::exchange(events_, {});
}

}  // namespace countersign::provider
