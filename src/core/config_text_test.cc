#include "core/config_text.h"

#include <gtest/gtest.h>

namespace countersign {
namespace {

std::string verdict(std::string_view text) {
  const auto unfit = find_unfit_toml(text);
  return unfit ? std::to_string(unfit->line) + ": " + unfit->why : "fit";
}

TEST(ConfigText, LetsOrdinaryTextThrough) {
  for (const std::string_view text : {"", "\n", "a = 1\r\n\tb = 2",
                                      "\xef\xbb\xbf"
                                      "a = 1",
                                      "# größer\n", "a = \"größer\" # ä\n", "'ä' = 'ä'\n",
                                      "a = \"\"\"ä\nä \"\" ä\"\"\"\nb = '''ä\n'ä''''\n",
                                      "a = \"\\\"ä\"\n", "a = '\\' # ä\n", "a = \"\\\\\" # ä\n"}) {
    EXPECT_EQ(verdict(text), "fit") << text;
  }
}

TEST(ConfigText, RefusesControlCharactersEverywhere) {
  constexpr std::string_view refused = "2: not TOML: a control character";
  for (const std::string_view text :
       {std::string_view("\n[\1\0a]", 6), std::string_view("\n# \x1b[2J"),
        std::string_view("\na = \"\x7f\""), std::string_view("\n'''\x01'''")}) {
    EXPECT_EQ(verdict(text), refused);
  }
}

TEST(ConfigText, RefusesOtherAlphabetsOutsideQuotes) {
  constexpr std::string_view refused = "2: not TOML: a character that is not ASCII, outside quotes";
  for (const std::string_view text :
       {"\nä = 1", "\n[ä]", "\na = ä", "\na = \"x\" ä", "\na = '\\' ä", "\na = \"\\\\\" ä", "#\nä",
        "\"x\nä = 1", "'''x''''' \nä"}) {
    EXPECT_EQ(verdict(text), refused) << text;
  }
}

TEST(ConfigText, RefusesLinesBeyondTheLimit) {
  const std::string longest(8 * 1024, 'a');
  EXPECT_EQ(verdict("\n" + longest + "\n" + longest), "fit");
  EXPECT_EQ(verdict("\n" + longest + "a"), "2: the line is longer than 8 KiB");
}

}  // namespace
}  // namespace countersign
