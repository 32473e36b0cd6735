#include "http/credentials.h"

#include <string>

#include <gtest/gtest.h>

namespace countersign::http {
namespace {

TEST(Credentials, AreASchemeOneSpaceAndOneToken) {
  const auto parsed = parse_credentials("bEaReR abc.DEF-1_2~3+4/5==");
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->is("Bearer"));
  EXPECT_FALSE(parsed->is("Beare"));
  EXPECT_EQ(parsed->token, "abc.DEF-1_2~3+4/5==");
}

TEST(Credentials, OfAnyOtherShapeAreRefusedAndNotRepeated) {
  for (const std::string_view value :
       {"", "Bearer", "Bearer ", " Bearer hunter2", "Bearer  hunter2", "Bearer hunter2 ",
        "Bearer hunter2 x", "Bearer\thunter2", "Bearer hunter2,x", "Bearer hunter2, Bearer hunter2",
        "Bearer hunter2=x", "Bearer =", "Bearer =hunter2", "Bearer \"hunter2\"",
        "Bearer hunter2\xc3\xbc", "Bea(rer hunter2", "Digest realm=\"hunter2\"", "hunter2"}) {
    const auto parsed = parse_credentials(value);
    ASSERT_FALSE(parsed) << value;
    EXPECT_EQ(parsed.error().code, "http.bad_credentials");
    EXPECT_EQ(parsed.error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(parsed.error().for_log().find("hunter2"), std::string::npos);
  }
}

TEST(Rfc6749, Section2_3_1BasicExample) {
  const auto parsed = parse_basic_credentials("czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->client_id, "s6BhdRkqt3");
  EXPECT_EQ(parsed->secret.unsafe_reveal_text(), "7Fjfp0ZBr1KtDRbnfVdmIw");
  EXPECT_EQ(basic_credentials(parsed->client_id, parsed->secret).unsafe_reveal_text(),
            "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
}

TEST(BasicCredentials, TakeBackWhatWasWritten) {
  for (const std::string_view secret : {"", "a:b", "a b+c%d", "\xc3\xbc\xe2\x82\xac", "=&?/"}) {
    const Secret value = basic_credentials("client:1 \xc3\xbc", Secret::copy_of(secret));
    const auto credentials = parse_credentials(value.unsafe_reveal_text());
    ASSERT_TRUE(credentials);
    const auto parsed = parse_basic_credentials(credentials->token);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->client_id, "client:1 \xc3\xbc");
    EXPECT_EQ(parsed->secret.unsafe_reveal_text(), secret);
  }
}

TEST(BasicCredentials, AreRefusedIfMalformed) {
  for (const std::string_view pair :
       {"noseparator", ":secret", "", "a:%", "a:%zz", "%:b", "a:\xff", "a:b c", "a:%00", "a:%FF"}) {
    const auto parsed = parse_basic_credentials(encode_base64(as_bytes(pair)));
    ASSERT_FALSE(parsed) << pair;
    EXPECT_EQ(parsed.error().code, "http.bad_credentials");
  }
  EXPECT_FALSE(parse_basic_credentials("YTpi="));
  EXPECT_FALSE(parse_basic_credentials("YTpiYw"));
  EXPECT_FALSE(parse_basic_credentials("YTp-"));
}

}  // namespace
}  // namespace countersign::http
