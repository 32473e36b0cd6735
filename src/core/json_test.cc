#include "core/json.h"

#include <string>

#include <gtest/gtest.h>

namespace countersign {
namespace {

using namespace std::string_literals;

TEST(ParseJson, TakesDocuments) {
  const auto json = parse_json(R"( {"a":[1,-2,3.5,true,null,"\u00fc\ud83d\udcb6"],"b":{"a":0}} )");
  ASSERT_TRUE(json) << json.error().for_log();
  EXPECT_EQ((*json)["a"][5].get<std::string>(), "\xc3\xbc\xf0\x9f\x92\xb6");
  for (const std::string_view text : {"0", "\"\"", "[]", "{}", "null", "{\"\":1}"})
    EXPECT_TRUE(parse_json(text)) << text;
}

TEST(ParseJson, RefusesWhatIsNone) {
  for (const std::string& text : {""s,
                                  " "s,
                                  "{"s,
                                  "}"s,
                                  "{}x"s,
                                  "{} {}"s,
                                  "{'a':1}"s,
                                  "{\"a\":1,}"s,
                                  "[1,]"s,
                                  "{a:1}"s,
                                  "01"s,
                                  "+1"s,
                                  ".5"s,
                                  "1."s,
                                  "1e"s,
                                  "NaN"s,
                                  "Infinity"s,
                                  "1e999"s,
                                  "\"\n\""s,
                                  "\"\\x\""s,
                                  "\"\\ud800\""s,
                                  "\"\\udc00\""s,
                                  "\"\xff\""s,
                                  "\"\xc0\xaf\""s,
                                  "\"\xed\xa0\x80\""s,
                                  "// c\n1"s,
                                  "/* c */1"s,
                                  "\xef\xbb\xbf{}"s,
                                  "{}\0"s,
                                  "\"a\0b\""s,
                                  "tru"s,
                                  "\"a"s}) {
    const auto json = parse_json(text);
    ASSERT_FALSE(json) << text;
    EXPECT_EQ(json.error().code, "json.malformed") << text;
    EXPECT_EQ(json.error().kind, ErrorKind::invalid_input);
  }
}

TEST(ParseJson, RefusesMembersThatAreNamedTwice) {
  for (const std::string_view text :
       {R"({"a":1,"a":1})", R"({"a":1,"b":2,"\u0061":3})", R"([{"x":{"a":1,"a":2}}])"}) {
    EXPECT_EQ(parse_json(text).error().code, "json.duplicate_member") << text;
  }
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":{"a":1}})"))
      << "in other objects they are other members";
}

TEST(ParseJson, RefusesANameTakenTwiceAmongManyWhicheverItIs) {
  const auto object = [](int members, const std::string& last) {
    std::string text = "{";
    for (int i = 0; i < members; ++i) text += "\"m" + std::to_string(i) + "\":{\"m0\":0},";
    return text + "\"" + last + "\":1}";
  };
  for (const int members : {1, 14, 15, 16, 17, 18, 100, 2000}) {
    const auto sound = parse_json(object(members, "other"));
    ASSERT_TRUE(sound) << members;
    EXPECT_EQ(sound->size(), static_cast<size_t>(members) + 1);
    for (const int taken : {0, members / 2, members - 1}) {
      const auto json = parse_json(object(members, "m" + std::to_string(taken)));
      ASSERT_FALSE(json) << members << " " << taken;
      EXPECT_EQ(json.error().code, "json.duplicate_member");
    }
  }
}

TEST(ParseJson, HoldsItsLimitsToTheLevelAndTheByte) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(16)));
  EXPECT_EQ(parse_json(nested(17)).error().code, "json.too_deep");
  EXPECT_EQ(parse_json(std::string(60'000, '[')).error().code, "json.too_deep");
  const JsonLimits limits{.bytes_max = 6};
  EXPECT_TRUE(parse_json("\"1234\"", limits));
  EXPECT_EQ(parse_json("\"12345\"", limits).error().code, "json.too_large");
}

TEST(JsonMembers, AreOfTheirTypeOrNotThere) {
  const Json json =
      parse_json(R"({"s":"x","i":-5,"u":18446744073709551615,"max":9223372036854775807,)"
                 R"("f":1.0,"b":true,"n":null})")
          .value();
  EXPECT_EQ(string_member(json, "s"), "x");
  EXPECT_EQ(integer_member(json, "i"), -5);
  EXPECT_EQ(integer_member(json, "max"), INT64_MAX);
  EXPECT_EQ(bool_member(json, "b"), true);
  for (const std::string_view name : {"i", "b", "n", "absent"})
    EXPECT_EQ(string_member(json, name), std::nullopt) << name;
  for (const std::string_view name : {"s", "u", "f", "b", "n", "absent"})
    EXPECT_EQ(integer_member(json, name), std::nullopt) << name;
  for (const std::string_view name : {"s", "i", "n", "absent"})
    EXPECT_EQ(bool_member(json, name), std::nullopt) << name;
  EXPECT_TRUE(has_member(json, "n"));
  EXPECT_FALSE(has_member(json, "absent"));
  for (const std::string_view text : {"[]", "1", "\"s\"", "null"}) {
    const Json other = parse_json(text).value();
    EXPECT_FALSE(has_member(other, "s")) << text;
    EXPECT_EQ(string_member(other, "s"), std::nullopt) << text;
  }
}

TEST(JsonText, KeepsTheOrderAndNeverFails) {
  EXPECT_EQ(to_text(parse_json(R"({"b":1, "a":[ ]})").value()), R"({"b":1,"a":[]})");
  EXPECT_EQ(to_text(Json("a\xff")), "\"a\xef\xbf\xbd\"");
}

TEST(JsonText, WritesStringsThatCanBeReadBack) {
  for (const std::string& text :
       {""s, "plain text"s, "\"\\/\b\f\n\r\t\x01\x1f\x7f"s, "a\0b"s, "\xc3\xbc\xf0\x9f\x92\xb6"s}) {
    std::string out = "[";
    append_json_string(out, text);
    EXPECT_EQ(parse_json(out + "]").value()[0].get<std::string>(), text);
  }
  std::string out;
  append_json_string(out, "\xff\xc3");
  EXPECT_TRUE(parse_json(out)) << out;
}

}  // namespace
}  // namespace countersign
