#include "core/config_value.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ByteSize, ReadsEachUnit) {
  EXPECT_EQ(parse_byte_size("0"), 0u);
  EXPECT_EQ(parse_byte_size("512"), 512u);
  EXPECT_EQ(parse_byte_size("512B"), 512u);
  EXPECT_EQ(parse_byte_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_byte_size("10MiB"), 10u * 1024 * 1024);
  EXPECT_EQ(parse_byte_size("1GiB"), 1024u * 1024 * 1024);
}

TEST(ByteSize, RefusesOtherSpellings) {
  for (const std::string_view text : {"", "B", "KiB", "-1", "+1", " 1", "1 KiB", "1kB", "1K",
                                      "1kib", "1.5KiB", "1KiB ", "0x10"}) {
    EXPECT_FALSE(parse_byte_size(text).has_value()) << text;
  }
}

TEST(ByteSize, RefusesWhatDoesNotFit) {
  EXPECT_EQ(parse_byte_size("18446744073709551615"), std::numeric_limits<size_t>::max());
  EXPECT_FALSE(parse_byte_size("18446744073709551616").has_value());
  EXPECT_TRUE(parse_byte_size("17179869183GiB").has_value());
  EXPECT_FALSE(parse_byte_size("17179869184GiB").has_value());
}

TEST(ByteSize, IsWrittenInTheLargestUnitThatDivides) {
  EXPECT_EQ(format_byte_size(0), "0B");
  EXPECT_EQ(format_byte_size(1000), "1000B");
  EXPECT_EQ(format_byte_size(1024), "1KiB");
  EXPECT_EQ(format_byte_size(1536 * 1024), "1536KiB");
  EXPECT_EQ(format_byte_size(3u << 30), "3GiB");
}

TEST(ConfigInteger, ReadsTheWholeRangeAndNothingElse) {
  EXPECT_EQ(parse_integer("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<int64_t>::max());
  for (const std::string_view text : {"", "-", "+1", "1 ", "1.0", "0x1", "9223372036854775808"}) {
    EXPECT_FALSE(parse_integer(text).has_value()) << text;
  }
}

TEST(ConfigBoolean, IsTrueOrFalseOnly) {
  EXPECT_EQ(parse_boolean("true"), true);
  EXPECT_EQ(parse_boolean("false"), false);
  for (const std::string_view text : {"", "True", "1", "yes", "true "}) {
    EXPECT_FALSE(parse_boolean(text).has_value()) << text;
  }
}

TEST(ConfigList, IsSplitAtCommas) {
  EXPECT_THAT(split_list(""), IsEmpty());
  EXPECT_THAT(split_list("  "), IsEmpty());
  EXPECT_THAT(split_list("a"), ElementsAre("a"));
  EXPECT_THAT(split_list("a, b ,c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_list("a,,b,"), ElementsAre("a", "", "b", ""));
}

TEST(ClosestWord, ForgivesSmallSlips) {
  const std::string_view words[] = {"listen", "idle_timeout", "certificate"};
  EXPECT_EQ(closest_word("lsiten", words), "listen");
  EXPECT_EQ(closest_word("liste", words), "listen");
  EXPECT_EQ(closest_word("idle-timeout", words), "idle_timeout");
  EXPECT_EQ(closest_word("certifikat", words), "certificate");
}

TEST(ClosestWord, DoesNotGuessWildly) {
  const std::string_view words[] = {"listen", "idle_timeout"};
  EXPECT_EQ(closest_word("password", words), std::nullopt);
  EXPECT_EQ(closest_word("", words), std::nullopt);
  EXPECT_EQ(closest_word(std::string(1000, 'a'), words), std::nullopt);
  EXPECT_EQ(closest_word("listen", {}), std::nullopt);
}

}  // namespace
}  // namespace countersign
