#include "http/form.h"

#include <string>

#include <gtest/gtest.h>

namespace countersign::http {
namespace {

TEST(Form, GivesItsFields) {
  auto form =
      parse_form("grant_type=client_credentials&scope=a+b%20c&empty=&bare&n%C3%BC=%E2%82%AC");
  ASSERT_TRUE(form) << form.error().for_log();
  EXPECT_EQ(form->value("grant_type"), "client_credentials");
  EXPECT_EQ(form->value("scope"), "a b c");
  ASSERT_NE(form->find("empty"), nullptr);
  EXPECT_EQ(*form->find("empty"), "");
  EXPECT_NE(form->find("bare"), nullptr);
  EXPECT_EQ(form->value("n\xc3\xbc"), "\xe2\x82\xac");
  EXPECT_EQ(form->find("absent"), nullptr);
  EXPECT_EQ(form->value("absent"), "");
  EXPECT_EQ(form->fields().size(), 5u);
}

TEST(Form, OfNothingIsEmpty) {
  auto form = parse_form("");
  ASSERT_TRUE(form);
  EXPECT_TRUE(form->fields().empty());
}

TEST(Form, GivesASecretOnce) {
  auto form = parse_form("client_id=a&client_secret=s%2Bs&x=y");
  ASSERT_TRUE(form);
  const Secret secret = form->take_secret("client_secret");
  EXPECT_EQ(secret.unsafe_reveal_text(), "s+s");
  EXPECT_EQ(form->find("client_secret"), nullptr);
  EXPECT_TRUE(form->take_secret("client_secret").empty());
  EXPECT_EQ(form->value("x"), "y");
}

TEST(Form, RefusesDuplicates) {
  for (const std::string_view body : {"a=1&a=1", "a=1&b=2&a=3", "a&a", "a=1&%61=2"}) {
    const auto form = parse_form(body);
    ASSERT_FALSE(form) << body;
    EXPECT_EQ(form.error().code, "http.form_duplicate_field");
  }
}

TEST(Form, RefusesWhatIsMalformedWithoutRepeatingIt) {
  for (const std::string_view body :
       {"hunter2=%", "a=%zz&x=hunter2", "a=hunter2\xff", "a=hunter2%FF", "a=hunter2%00",
        "hunter2&&b", "=hunter2", "a=hunter2;b", "a=hunter2 x", "a=hunter2\r\n"}) {
    const auto form = parse_form(body);
    ASSERT_FALSE(form) << body;
    EXPECT_EQ(form.error().code, "http.bad_encoding") << body;
    EXPECT_EQ(form.error().for_log().find("hunter2"), std::string::npos);
  }
}

TEST(Form, HoldsItsLimits) {
  const FormLimits limits{.bytes_max = 10, .fields_max = 2};
  EXPECT_TRUE(parse_form("a=12345678", limits));
  EXPECT_EQ(parse_form("a=123456789", limits).error().code, "http.form_too_large");
  EXPECT_TRUE(parse_form("a&b", limits));
  EXPECT_EQ(parse_form("a&b&c", limits).error().code, "http.form_too_large");
}

TEST(Form, MovesItsFields) {
  auto form = parse_form("a=b");
  ASSERT_TRUE(form);
  Form other = std::move(*form);
  EXPECT_EQ(other.value("a"), "b");
  Form third;
  third = std::move(other);
  EXPECT_EQ(third.value("a"), "b");
}

TEST(Form, TakesBackWhatWasWritten) {
  std::string body;
  append_form_field(body, "scope", "a b&c=d+e%f");
  append_form_field(body, "n\xc3\xbc", "");
  EXPECT_EQ(body, "scope=a%20b%26c%3Dd%2Be%25f&n%C3%BC=");
  auto form = parse_form(body);
  ASSERT_TRUE(form);
  EXPECT_EQ(form->value("scope"), "a b&c=d+e%f");
}

TEST(FormContentType, IsKnownInItsUsualSpellings) {
  for (const std::string_view type :
       {"application/x-www-form-urlencoded", "Application/X-WWW-Form-URLencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded;charset=\"utf-8\""}) {
    EXPECT_TRUE(is_form_content_type(type)) << type;
  }
  for (const std::string_view type :
       {"", "application/json", "application/x-www-form-urlencoded2",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "application/x-www-form-urlencoded;", "multipart/form-data"}) {
    EXPECT_FALSE(is_form_content_type(type)) << type;
  }
}

}  // namespace
}  // namespace countersign::http
