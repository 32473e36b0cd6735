#include "core/ip_address.h"

#include <string>

#include <gtest/gtest.h>

namespace countersign {
namespace {

using namespace std::string_literals;

TEST(IpAddress, HasOneSpelling) {
  for (const auto& [text, canonical] :
       {std::pair<std::string_view, std::string_view>{"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:c000:201", "192.0.2.1"}}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), canonical);
    EXPECT_EQ(IpAddress::parse(canonical).value(), *address);
  }
  EXPECT_TRUE(IpAddress::parse("::ffff:192.0.2.1")->is_v4());
  EXPECT_EQ(IpAddress::v4({192, 0, 2, 1}), IpAddress::parse("192.0.2.1").value());
  EXPECT_FALSE(IpAddress::parse("::1")->is_v4());
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const std::string& text :
       {""s,         "1"s,         "1.2.3"s,     "1.2.3.4.5"s,  "256.0.0.1"s,
        "01.2.3.4"s, "1.2.3.4 "s,  " 1.2.3.4"s,  "0x7f.0.0.1"s, "1.2.3.-4"s,
        "[::1]"s,    "::1%eth0"s,  ":::"s,       "1::2::3"s,    "12345::"s,
        "g::"s,      "localhost"s, "1.2.3.4\0"s, "127.1"s,      "1.2.3.4/32"s}) {
    const auto address = IpAddress::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, "ip.bad_address");
  }
}

TEST(IpAddress, KnowsLoopback) {
  for (const std::string_view text : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_loopback()) << text;
  }
  for (const std::string_view text :
       {"126.255.255.255", "128.0.0.1", "0.0.0.0", "::", "::2", "1::1", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_loopback()) << text;
  }
}

TEST(Network, ContainsItsAddressesAndNoOther) {
  struct Row {
    std::string_view network, address;
    bool inside;
  };
  for (const Row& row : {
           Row{"10.0.0.0/8", "10.255.255.255", true},
           Row{"10.0.0.0/8", "11.0.0.0", false},
           Row{"10.0.0.0/8", "9.255.255.255", false},
           Row{"192.0.2.128/25", "192.0.2.128", true},
           Row{"192.0.2.128/25", "192.0.2.127", false},
           Row{"192.0.2.0/31", "192.0.2.1", true},
           Row{"192.0.2.0/31", "192.0.2.2", false},
           Row{"192.0.2.1", "192.0.2.1", true},
           Row{"192.0.2.1/32", "192.0.2.2", false},
           Row{"0.0.0.0/0", "255.1.2.3", true},
           Row{"0.0.0.0/0", "::1", false},
           Row{"::/0", "2001:db8::1", true},
           Row{"::/0", "192.0.2.1", false},
           Row{"::/0", "::ffff:192.0.2.1", false},
           Row{"10.0.0.0/8", "::ffff:10.1.2.3", true},
           Row{"2001:db8::/32", "2001:db8:ffff::1", true},
           Row{"2001:db8::/32", "2001:db9::", false},
           Row{"2001:db8::/33", "2001:db8:7fff::", true},
           Row{"2001:db8::/33", "2001:db8:8000::", false},
           Row{"::ffff:10.1.2.3", "10.1.2.3", true},
       }) {
    const auto network = Network::parse(row.network);
    ASSERT_TRUE(network) << row.network;
    EXPECT_EQ(network->contains(IpAddress::parse(row.address).value()), row.inside)
        << row.network << " " << row.address;
  }
}

TEST(Network, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-0", "10.0.0.0/-1", "10.0.0.0/+8",
        "10.0.0.0/08", "10.0.0.0/8 ", "10.0.0.0/8/8", "::/129", "::/", "10/8",
        "::ffff:10.0.0.0/104", "::ffff:10.0.0.0/8", "0.0.0.0/-0", "10.0.0.0/0x8",
        "10.0.0.0/255.0.0.0"}) {
    const auto network = Network::parse(text);
    ASSERT_FALSE(network) << text;
    EXPECT_EQ(network.error().code, "ip.bad_network");
  }
  for (const std::string_view text :
       {"10.0.0.1/8", "192.0.2.1/31", "2001:db8::1/64", "1.0.0.0/0"}) {
    EXPECT_EQ(Network::parse(text).error().code, "ip.host_bits_set") << text;
  }
}

TEST(Network, TakesBackWhatWasWritten) {
  for (const std::string_view text :
       {"10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::1/128", "192.0.2.1/32"}) {
    EXPECT_EQ(Network::parse(text)->to_string(), text);
  }
  EXPECT_EQ(Network::parse("192.0.2.1")->to_string(), "192.0.2.1/32");
}

TEST(Endpoint, IsAnAddressAndAPort) {
  for (const std::string_view text :
       {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:65535", "[2001:db8::1]:1"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
  EXPECT_EQ(Endpoint::parse("[::ffff:127.0.0.1]:80")->to_string(), "127.0.0.1:80");
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const std::string_view text : {"",
                                      ":",
                                      ":80",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:-0",
                                      "127.0.0.1:+1",
                                      "127.0.0.1:080",
                                      "127.0.0.1: 80",
                                      "127.0.0.1:80 ",
                                      "127.0.0.1:http",
                                      "::1:80",
                                      "[127.0.0.1]:80",
                                      "[::1]",
                                      "[::1]80",
                                      "[]:80",
                                      "[::1:80",
                                      "localhost:80"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code, "ip.bad_endpoint");
  }
}

}  // namespace
}  // namespace countersign
