#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>

namespace countersign::net {
namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);

enum : uint8_t { local_command = 0x20, proxy_command = 0x21 };
enum : uint8_t { tcp_over_v4 = 0x11, tcp_over_v6 = 0x21 };
constexpr uint8_t checksum_extension = 0x03;

std::unexpected<Error> malformed(std::string_view why) {
  return fail(ErrorKind::invalid_input, "net.proxy_malformed",
              "the connection does not begin with a PROXY protocol header of version 2", why);
}

uint8_t byte_at(std::string_view text, size_t at) {
  return static_cast<uint8_t>(text[at]);
}

uint32_t number_at(std::string_view text, size_t at, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | byte_at(text, at + i);
  return value;
}

// CRC-32C (Castagnoli), over the header with the checksum's own four bytes taken as zeros.
uint32_t checksum_of(std::string_view header, size_t zeros_at) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < header.size(); ++i) {
    const bool zeroed = i >= zeros_at && i < zeros_at + 4;
    crc ^= zeroed ? 0 : byte_at(header, i);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
  }
  return ~crc;
}

// What follows the addresses: each with a type, a length and that many bytes.
Result<void> check_extensions(std::string_view header, size_t at) {
  while (at < header.size()) {
    if (header.size() - at < 3) return malformed("an extension breaks off");
    const uint8_t type = byte_at(header, at);
    const size_t bytes = number_at(header, at + 1, 2);
    at += 3;
    if (bytes > header.size() - at) return malformed("an extension is longer than the header");
    if (type == checksum_extension) {
      if (bytes != 4) return malformed("a checksum has four bytes");
      if (number_at(header, at, 4) != checksum_of(header, at)) return malformed("wrong checksum");
    }
    at += bytes;
  }
  return {};
}

template <size_t Octets>
std::array<uint8_t, Octets> octets_at(std::string_view header, size_t at) {
  std::array<uint8_t, Octets> octets{};
  std::ranges::transform(header.substr(at, Octets), octets.begin(),
                         [](char c) { return static_cast<uint8_t>(c); });
  return octets;
}

}  // namespace

Result<size_t> proxy_header_bytes(std::string_view prefix) {
  if (prefix.size() != proxy_prefix_bytes || !prefix.starts_with(signature)) {
    return malformed("no signature");
  }
  const size_t bytes = proxy_prefix_bytes + number_at(prefix, 14, 2);
  if (bytes > proxy_header_bytes_max) return malformed("too long");
  return bytes;
}

Result<std::optional<Endpoint>> parse_proxy_header(std::string_view header) {
  CS_TRY(const size_t bytes, proxy_header_bytes(header.substr(0, proxy_prefix_bytes)));
  if (bytes != header.size()) return malformed("not of the length that it says");
  const uint8_t command = byte_at(header, 12);
  if (command == local_command) return std::nullopt;  // the rest is to be ignored
  if (command != proxy_command) return malformed("unknown version or command");
  const uint8_t family = byte_at(header, 13);
  if (family != tcp_over_v4 && family != tcp_over_v6) return malformed("not about TCP");
  const size_t address_bytes = family == tcp_over_v4 ? 4 : 16;
  const size_t ports_at = proxy_prefix_bytes + 2 * address_bytes;
  if (header.size() < ports_at + 4) return malformed("the addresses break off");
  CS_CHECK(check_extensions(header, ports_at + 4));
  Endpoint source;
  source.address = family == tcp_over_v4 ? IpAddress::v4(octets_at<4>(header, proxy_prefix_bytes))
                                         : IpAddress::v6(octets_at<16>(header, proxy_prefix_bytes));
  source.port = static_cast<uint16_t>(number_at(header, ports_at, 2));
  return source;
}

}  // namespace countersign::net
