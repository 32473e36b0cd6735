#include "net/route.h"

#include <gtest/gtest.h>

namespace countersign::net {
namespace {

TEST(FindRoute, LoopbackIsReachedFromLoopback) {
  const auto route = find_route(*IpAddress::parse("127.0.0.1"));
  ASSERT_TRUE(route) << route.error().for_log();
  EXPECT_EQ(route->from.to_string(), "127.0.0.1");
  EXPECT_EQ(route->interface, "lo");
}

TEST(FindRoute, TheBroadcastAddressHasNone) {
  const auto route = find_route(*IpAddress::parse("255.255.255.255"));
  ASSERT_FALSE(route);
  EXPECT_EQ(route.error().code, "net.no_route");
  EXPECT_EQ(route.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace countersign::net
