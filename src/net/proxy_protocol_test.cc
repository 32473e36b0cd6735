#include "net/proxy_protocol.h"

#include <string>

#include <gtest/gtest.h>

namespace countersign::net {
namespace {

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string header(uint8_t command, uint8_t family, std::string_view rest) {
  std::string text = signature;
  text += static_cast<char>(command);
  text += static_cast<char>(family);
  text += static_cast<char>(rest.size() >> 8);
  text += static_cast<char>(rest.size() & 0xff);
  text += rest;
  return text;
}

// 192.0.2.7:40000 to 10.0.0.1:443.
const std::string v4("\xC0\x00\x02\x07\x0A\x00\x00\x01\x9C\x40\x01\xBB", 12);
const std::string v6 = std::string("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x07", 16) +
                       std::string(16, '\0') + std::string("\x9C\x40\x01\xBB", 4);
const std::string mapped = std::string("\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\x00\x02\x07", 16) +
                           std::string(16, '\0') + std::string("\x9C\x40\x01\xBB", 4);

std::string source_of(const std::string& text) {
  const auto parsed = parse_proxy_header(text);
  if (!parsed) return std::string(parsed.error().code);
  return *parsed ? (*parsed)->to_string() : "local";
}

TEST(ProxyProtocol, GivesTheClientsAddress) {
  EXPECT_EQ(source_of(header(0x21, 0x11, v4)), "192.0.2.7:40000");
  EXPECT_EQ(source_of(header(0x21, 0x21, v6)), "[2001:db8::7]:40000");
}

// A rule about the v4 network holds for the other spelling too.
TEST(ProxyProtocol, AMappedAddressIsTheV4Address) {
  EXPECT_EQ(source_of(header(0x21, 0x21, mapped)), "192.0.2.7:40000");
}

TEST(ProxyProtocol, ABalancersOwnConnectionHasNoOther) {
  EXPECT_EQ(source_of(header(0x20, 0x00, "")), "local");
  EXPECT_EQ(source_of(header(0x20, 0x11, v4)), "local");
}

TEST(ProxyProtocol, SkipsExtensionsThatFit) {
  EXPECT_EQ(source_of(header(0x21, 0x11, v4 + std::string("\x04\x00\x02xx", 5))),
            "192.0.2.7:40000");
  EXPECT_EQ(source_of(header(0x21, 0x11, v4 + std::string("\x04\x00\x00", 3))), "192.0.2.7:40000");
  for (const std::string& rest :
       {std::string("\x04"), std::string("\x04\x00", 2), std::string("\x04\x00\x03xx", 5),
        std::string("\x04\xff\xffxx", 5)}) {
    EXPECT_EQ(source_of(header(0x21, 0x11, v4 + rest)), "net.proxy_malformed");
  }
}

TEST(ProxyProtocol, ChecksAChecksum) {
  EXPECT_EQ(source_of(header(0x21, 0x11, v4 + std::string("\x03\x00\x04\xEE\x68\x84\xF0", 7))),
            "192.0.2.7:40000");
  EXPECT_EQ(source_of(header(0x21, 0x11, v4 + std::string("\x03\x00\x04\0\0\0\0", 7))),
            "net.proxy_malformed");
  EXPECT_EQ(source_of(header(0x21, 0x11, v4 + std::string("\x03\x00\x03\0\0\0", 6))),
            "net.proxy_malformed");
}

TEST(ProxyProtocol, RefusesOtherVersionsCommandsAndFamilies) {
  for (const uint8_t command : std::initializer_list<uint8_t>{0x00, 0x11, 0x22, 0x2f, 0x31, 0xff})
    EXPECT_EQ(source_of(header(command, 0x11, v4)), "net.proxy_malformed") << int{command};
  for (const uint8_t family :
       std::initializer_list<uint8_t>{0x00, 0x10, 0x12, 0x22, 0x31, 0x41, 0xff})
    EXPECT_EQ(source_of(header(0x21, family, v6)), "net.proxy_malformed") << int{family};
  EXPECT_EQ(source_of("PROXY TCP4 192.0.2.7 10.0.0.1 40000 443\r\n"), "net.proxy_malformed");
}

TEST(ProxyProtocol, RefusesEveryTruncation) {
  const std::string whole = header(0x21, 0x11, v4);
  for (size_t bytes = 0; bytes < whole.size(); ++bytes)
    EXPECT_EQ(source_of(whole.substr(0, bytes)), "net.proxy_malformed") << bytes;
  EXPECT_EQ(source_of(whole + "x"), "net.proxy_malformed");
  EXPECT_EQ(source_of(header(0x21, 0x11, v4.substr(0, 11))), "net.proxy_malformed");
  EXPECT_EQ(source_of(header(0x21, 0x21, v4)), "net.proxy_malformed");
}

TEST(ProxyProtocol, RefusesWhatIsTooLong) {
  EXPECT_EQ(source_of(header(0x20, 0x00, std::string(520, 'x'))), "local");
  EXPECT_EQ(source_of(header(0x20, 0x00, std::string(521, 'x'))), "net.proxy_malformed");
}

}  // namespace
}  // namespace countersign::net
