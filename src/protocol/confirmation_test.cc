#include "protocol/confirmation.h"

#include <vector>

#include <gtest/gtest.h>

#include "core/bytes.h"

namespace countersign::protocol {
namespace {

crypto::Sha256Digest digest(std::string_view text) {
  return crypto::sha256(as_bytes(text));
}

Reason refused(std::vector<jose::Confirmation> members) {
  const auto read = read_confirmation(members);
  EXPECT_FALSE(read.has_value());
  return read ? Reason::internal_error : read.error().reason;
}

TEST(Confirmation, RoundTripsACertificatesThumbprint) {
  const jose::Confirmation member = certificate_confirmation(digest("certificate"));
  EXPECT_EQ(member.name, "x5t#S256");
  EXPECT_EQ(member.value.size(), 43u);
  EXPECT_TRUE(member.is_text);
  const auto read = read_confirmation(std::vector{member});
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->certificate, digest("certificate"));
}

TEST(Confirmation, IsEmptyWithoutMembers) {
  EXPECT_TRUE(read_confirmation({})->empty());
}

TEST(Confirmation, RefusesAMemberThatItDoesNotEnforce) {
  const auto certificate = certificate_confirmation(digest("certificate"));
  EXPECT_EQ(refused({{"jkt", "abc", true}}), Reason::binding_unknown);
  EXPECT_EQ(refused({certificate, {"jkt", "abc", true}}), Reason::binding_unknown);
  EXPECT_EQ(refused({{"x5t#s256", certificate.value, true}}), Reason::binding_unknown);
  EXPECT_EQ(refused({{"", "", true}}), Reason::binding_unknown);
}

TEST(Confirmation, RefusesAMalformedThumbprint) {
  const std::string good = certificate_confirmation(digest("certificate")).value;
  EXPECT_EQ(refused({{"x5t#S256", good, false}}), Reason::token_malformed);
  EXPECT_EQ(refused({{"x5t#S256", "", true}}), Reason::token_malformed);
  EXPECT_EQ(refused({{"x5t#S256", good.substr(0, 42), true}}), Reason::token_malformed);
  EXPECT_EQ(refused({{"x5t#S256", good + "A", true}}), Reason::token_malformed);
  EXPECT_EQ(refused({{"x5t#S256", good + "=", true}}), Reason::token_malformed);
  EXPECT_EQ(refused({{"x5t#S256", encode_hex(digest("certificate")), true}}),
            Reason::token_malformed);
  EXPECT_EQ(refused({{"x5t#S256", good, true}, {"x5t#S256", good, true}}), Reason::token_malformed);
}

// RFC 8705 §3
TEST(Confirmation, HoldsForItsOwnCertificateOnly) {
  const Confirmation bound{.certificate = digest("mine")};
  const auto mine = digest("mine");
  const auto other = digest("other");
  EXPECT_TRUE(check_confirmation(bound, &mine).has_value());
  EXPECT_EQ(check_confirmation(bound, &other).error().reason, Reason::certificate_mismatch);
  EXPECT_EQ(check_confirmation(bound, nullptr).error().reason, Reason::certificate_missing);
}

TEST(Confirmation, HoldsForAnybodyWhenNothingIsBound) {
  const auto any = digest("any");
  EXPECT_TRUE(check_confirmation({}, &any).has_value());
  EXPECT_TRUE(check_confirmation({}, nullptr).has_value());
}

}  // namespace
}  // namespace countersign::protocol
