// IP addresses and networks, as values. A v4-mapped v6 address (::ffff:a.b.c.d) is the v4 address:
// there is one spelling of each peer, so that a network rule cannot be passed by the other one.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace countersign {

class IpAddress final {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::array<uint8_t, 4> octets);
  static IpAddress v6(std::array<uint8_t, 16> octets);  // v4-mapped becomes v4
  // "192.0.2.1", "2001:db8::1". No zone id, no brackets, no leading zeros (`ip.bad_address`).
  static Result<IpAddress> parse(std::string_view text);

  bool is_v4() const { return is_v4_; }
  bool is_loopback() const;
  const std::array<uint8_t, 16>& octets() const { return octets_; }  // v4 in the first four
  std::string to_string() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<uint8_t, 16> octets_{};
  bool is_v4_ = true;
};

// A network in CIDR notation.
class Network final {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or a single address. Host bits that are set are refused
  // (`ip.host_bits_set`): the writer may have meant another network.
  static Result<Network> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  std::string to_string() const;

  friend bool operator==(const Network&, const Network&) = default;

 private:
  IpAddress base_;
  int prefix_bits_ = 32;
};

// An address and a TCP port: "127.0.0.1:8080", "[::1]:8080".
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;

  static Result<Endpoint> parse(std::string_view text);
  std::string to_string() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

}  // namespace countersign
