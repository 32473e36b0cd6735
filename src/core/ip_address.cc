#include "core/ip_address.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include <arpa/inet.h>

namespace countersign {
namespace {

constexpr std::array<uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Decimal digits only, no sign, no leading zero, at most `max`; -1 otherwise.
int parse_small_number(std::string_view text, int max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0') || text[0] == '-')
    return -1;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return -1;
  return value;
}

std::unexpected<Error> bad_network(std::string_view text) {
  return fail(
      ErrorKind::invalid_input, "ip.bad_network",
      "expected a network such as 10.0.0.0/8 or 2001:db8::/32, not \"" + std::string(text) + "\"");
}

}  // namespace

IpAddress IpAddress::v4(std::array<uint8_t, 4> octets) {
  IpAddress address;
  std::ranges::copy(octets, address.octets_.begin());
  return address;
}

IpAddress IpAddress::v6(std::array<uint8_t, 16> octets) {
  if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), octets.begin())) {
    return v4({octets[12], octets[13], octets[14], octets[15]});
  }
  IpAddress address;
  address.octets_ = octets;
  address.is_v4_ = false;
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);  // inet_pton wants a terminator
  std::array<uint8_t, 4> four{};
  if (text.find('\0') == std::string_view::npos) {
    if (inet_pton(AF_INET, copy.c_str(), four.data()) == 1) return v4(four);
    std::array<uint8_t, 16> sixteen{};
    if (inet_pton(AF_INET6, copy.c_str(), sixteen.data()) == 1) return v6(sixteen);
  }
  return fail(ErrorKind::invalid_input, "ip.bad_address",
              "expected an IP address, not \"" + copy + "\"");
}

bool IpAddress::is_loopback() const {
  if (is_v4_) return octets_[0] == 127;
  return std::all_of(octets_.begin(), octets_.end() - 1, [](uint8_t o) { return o == 0; }) &&
         octets_[15] == 1;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(is_v4_ ? AF_INET : AF_INET6, octets_.data(), text, sizeof text);
  return text;
}

Result<Network> Network::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return bad_network(text);
  Network network;
  network.base_ = *address;
  const int bits = address->is_v4() ? 32 : 128;
  network.prefix_bits_ = bits;
  if (slash != std::string_view::npos) {
    // "::ffff:10.0.0.0/104": the prefix would count other bits than the address has here.
    if (address->is_v4() && text.substr(0, slash).find(':') != std::string_view::npos)
      return bad_network(text);
    network.prefix_bits_ = parse_small_number(text.substr(slash + 1), bits);
    if (network.prefix_bits_ < 0) return bad_network(text);
  }
  for (int bit = network.prefix_bits_; bit < bits; ++bit) {
    if (address->octets()[static_cast<size_t>(bit / 8)] >> (7 - bit % 8) & 1) {
      return fail(ErrorKind::invalid_input, "ip.host_bits_set",
                  "the network \"" + std::string(text) + "\" has bits set behind its prefix");
    }
  }
  return network;
}

bool Network::contains(const IpAddress& address) const {
  if (address.is_v4() != base_.is_v4()) return false;
  const auto whole = static_cast<size_t>(prefix_bits_ / 8);
  const auto& a = address.octets();
  const auto& b = base_.octets();
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin()))
    return false;
  const int rest = prefix_bits_ % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

std::string Network::to_string() const {
  return base_.to_string() + "/" + std::to_string(prefix_bits_);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto refused = [&] {
    return fail(ErrorKind::invalid_input, "ip.bad_endpoint",
                "expected ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, not \"" +
                    std::string(text) + "\"");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refused();
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const int port = parse_small_number(text.substr(colon + 1), 65535);
  if (!address || port < 0 || (host.find(':') != std::string_view::npos) != bracketed)
    return refused();
  return Endpoint{*address, static_cast<uint16_t>(port)};
}

std::string Endpoint::to_string() const {
  const std::string port_text = std::to_string(port);
  return address.is_v4() ? address.to_string() + ":" + port_text
                         : "[" + address.to_string() + "]:" + port_text;
}

}  // namespace countersign
