#include "http/challenge.h"

#include <string>

#include <gtest/gtest.h>

#include "http/message.h"

namespace countersign::http {
namespace {

using std::chrono::seconds;

TEST(Challenge, TakesBackWhatWasWritten) {
  const Challenge challenge{
      "Bearer", "", {{"realm", "a \"b\" \\c"}, {"error", "invalid_token"}, {"empty", ""}}};
  const std::string text = to_field_value(challenge);
  EXPECT_EQ(text, R"(Bearer realm="a \"b\" \\c", error="invalid_token", empty="")");
  const auto parsed = parse_challenges(text);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 1u);
  EXPECT_TRUE((*parsed)[0].is("bearer"));
  EXPECT_EQ((*parsed)[0].params, challenge.params);
}

TEST(Challenge, IsAlwaysAValidFieldValue) {
  const std::string text =
      to_field_value({"Bearer", "", {{"error_description", "a\r\nX: y\x7f\xc3\xbc"}}});
  EXPECT_TRUE(is_field_value(text));
  EXPECT_EQ(text, "Bearer error_description=\"a  X: y ??\"");
}

TEST(Rfc6750, Section3Example) {
  const auto parsed = parse_challenges(R"(Bearer realm="example", error="invalid_token", )"
                                       R"(error_description="The access token expired")");
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)[0].value("ERROR"), "invalid_token");
  EXPECT_EQ((*parsed)[0].value("error_description"), "The access token expired");
  EXPECT_EQ((*parsed)[0].value("scope"), "");
  EXPECT_EQ((*parsed)[0].find("scope"), nullptr);
}

TEST(Rfc9110, Section11_6_1Example) {
  const auto parsed = parse_challenges(
      R"(Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"")");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 2u);
  EXPECT_EQ((*parsed)[0].scheme, "Basic");
  EXPECT_EQ((*parsed)[0].params.size(), 1u);
  EXPECT_EQ((*parsed)[1].scheme, "Newauth");
  EXPECT_EQ((*parsed)[1].value("type"), "1");
  EXPECT_EQ((*parsed)[1].value("title"), "Login to \"apps\"");
}

TEST(Challenge, ReadsListsAndBareSchemes) {
  struct Row {
    std::string_view text;
    size_t count;
  };
  for (const Row& row : {Row{"", 0}, Row{"Negotiate", 1}, Row{"Negotiate, Basic realm=x", 2},
                         Row{",, Negotiate ,, Basic ,", 2}, Row{"Bearer a = \"b\" , c\t=\td", 1},
                         Row{"Negotiate YQ==, Bearer a=b", 2}, Row{"Negotiate abc", 1},
                         Row{"A x=1, B, C y=2", 3}, Row{"A  x=1", 1}}) {
    const auto parsed = parse_challenges(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(parsed->size(), row.count) << row.text;
  }
  EXPECT_EQ(parse_challenges("Negotiate YQ==, Bearer a=b")->front().token68, "YQ==");
  EXPECT_EQ(to_field_value(parse_challenges("Negotiate YQ==")->front()), "Negotiate YQ==");
}

TEST(Challenge, RefusesWhatIsMalformed) {
  for (const std::string_view text :
       {"Bearer a=\"b", "Bearer a=\"b\\", "Bearer a=\"b\"c", "Bearer a=b c=d", "Bearer a=b, a=c",
        "Bearer a=b, A=c", "Bearer =b", "Bearer a=b;c=d", "Bearer a b", "\"Bearer\"",
        "Bearer a=\"\x01\"", "Bearer a=\xc3\xbc", "Bearer\ta=b", "Bearer a=(b)",
        "Bearer realm=\"a\" error=\"b\""}) {
    const auto parsed = parse_challenges(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "http.bad_challenge");
  }
}

TEST(Challenge, HoldsItsLimits) {
  std::string many = "A";
  for (int i = 1; i < 16; ++i) many += ",A";
  EXPECT_TRUE(parse_challenges(many));
  EXPECT_FALSE(parse_challenges(many + ",A"));
  std::string params = "A p0=1";
  for (int i = 1; i < 16; ++i) params += ",p" + std::to_string(i) + "=1";
  EXPECT_TRUE(parse_challenges(params));
  EXPECT_FALSE(parse_challenges(params + ",q=1"));
  EXPECT_TRUE(parse_challenges("A x=" + std::string(4092, 'a')));
  EXPECT_FALSE(parse_challenges("A x=" + std::string(4093, 'a')));
}

TEST(RetryAfter, IsSecondsOrADateAndBounded) {
  const WallTime now = from_unix_seconds(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(parse_retry_after("0", now).value(), seconds(0));
  EXPECT_EQ(parse_retry_after("120", now).value(), seconds(120));
  EXPECT_EQ(parse_retry_after("86400", now).value(), retry_after_max);
  EXPECT_EQ(parse_retry_after("86401", now).value(), retry_after_max);
  EXPECT_EQ(parse_retry_after("99999999999999999999999", now).value(), retry_after_max);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:40 GMT", now).value(), seconds(3));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now).value(), seconds(0));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now).value(), seconds(0));
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now).value(), retry_after_max);
  for (const std::string_view text :
       {"", "-1", "+1", "1.5", "1 ", " 1", "1s", "soon", "0x1", "Sun, 06 Nov 1994"}) {
    const auto parsed = parse_retry_after(text, now);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "http.bad_retry_after");
  }
}

}  // namespace
}  // namespace countersign::http
