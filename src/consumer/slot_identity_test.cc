#include "consumer/slot_identity.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace countersign::consumer {
namespace {

SlotKey whole_key() {
  return {.issuer = "https://issuer.example",
          .client_id = "shop",
          .credential_version = 7,
          .scopes = {"read", "write"},
          .resource = "https://api.example",
          .certificate_thumbprint = "thumb"};
}

TEST(SlotIdentity, IsTheSameForEveryProcessAndRelease) {
  // Changing the digest cuts every fleet in two while it is updated.
  EXPECT_EQ(slot_identity(whole_key()), "Q2QW0BQpGgYeEPoydxNPXcc38vEeoiA4J8QgGCeCu9I");
}

TEST(SlotIdentity, DoesNotDependOnTheOrderOfScopes) {
  SlotKey other = whole_key();
  other.scopes = {"write", "read", "write"};
  EXPECT_EQ(slot_identity(other), slot_identity(whole_key()));
}

TEST(SlotIdentity, DiffersInEveryPart) {
  std::set<std::string> seen{slot_identity(whole_key())};
  auto is_new = [&](auto change) {
    SlotKey key = whole_key();
    change(key);
    return seen.insert(slot_identity(key)).second;
  };
  EXPECT_TRUE(is_new([](SlotKey& key) { key.issuer += "/"; }));
  EXPECT_TRUE(is_new([](SlotKey& key) { key.client_id = "Shop"; }));
  EXPECT_TRUE(is_new([](SlotKey& key) { key.credential_version = 8; }));
  EXPECT_TRUE(is_new([](SlotKey& key) { key.scopes = {"readwrite"}; }));
  EXPECT_TRUE(is_new([](SlotKey& key) { key.scopes = {"read"}; }));
  EXPECT_TRUE(is_new([](SlotKey& key) { key.resource = ""; }));
  EXPECT_TRUE(is_new([](SlotKey& key) { key.certificate_thumbprint = ""; }));
}

TEST(SlotIdentity, PartsDoNotRunIntoEachOther) {
  const SlotKey one{.issuer = "ab", .client_id = "c"};
  const SlotKey other{.issuer = "a", .client_id = "bc"};
  EXPECT_NE(slot_identity(one), slot_identity(other));
}

}  // namespace
}  // namespace countersign::consumer
