#include "cli/egress_status.h"

#include <gtest/gtest.h>

#include "cli/local_names.h"

namespace countersign::cli {
namespace {

TEST(EgressStatus, ReadsARowForEachApi) {
  const auto rows = read_status(
      R"({"apis":[{"name":"acme","scheme":"oauth2_bearer","ready":true,"token":{"state":"fresh",)"
      R"("expires_in":12.0},"auth_runway_seconds":99.0,"limited_by":"certificate","calls":7},)"
      R"({"name":"ledger","token":null,"auth_runway_seconds":null},{"name":5},3]})");
  ASSERT_TRUE(rows) << rows.error().for_log();
  ASSERT_EQ(rows->size(), 3u);
  const auto shown = [&](size_t row, std::string_view name) {
    for (const OutputRecord::Member& member : (*rows)[row].members()) {
      if (member.name == name) return member.shown;
    }
    return std::string("?");
  };
  EXPECT_EQ(shown(0, "api"), "acme");
  EXPECT_EQ(shown(0, "ready"), "yes");
  EXPECT_EQ(shown(0, "token"), "fresh");
  EXPECT_EQ(shown(0, "token ends in"), "12s");
  EXPECT_EQ(shown(0, "runway"), "99s");
  EXPECT_EQ(shown(0, "calls"), "7");
  EXPECT_EQ(shown(1, "runway"), "-");
  EXPECT_EQ(shown(1, "ready"), "no");
  EXPECT_EQ(shown(2, "api"), "-");
}

TEST(EgressStatus, RefusesWhatIsNone) {
  for (const std::string_view text : {"", "[]", "{}", "null", R"({"apis":7})", "<html>"}) {
    const auto rows = read_status(text);
    ASSERT_FALSE(rows) << text;
    EXPECT_EQ(rows.error().code, "egress.bad_status");
  }
}

TEST(LocalNames, AreNamesOrNumbers) {
  EXPECT_EQ(*user_id_of("root"), 0u);
  EXPECT_EQ(*user_id_of("1000"), 1000u);
  EXPECT_EQ(*group_id_of("0"), 0u);
  for (const std::string_view name : {"", "no-such-user-here", "-1", "4294967295", "1000x"})
    EXPECT_FALSE(user_id_of(name)) << name;
  EXPECT_FALSE(group_id_of("no-such-group-here"));
}

TEST(LocalNames, ModesAreFourOctalDigits) {
  EXPECT_EQ(*parse_file_mode("0600"), 0600u);
  EXPECT_EQ(*parse_file_mode("0777"), 0777u);
  for (const std::string_view text : {"", "600", "00600", "0680", "1600", "0x60", "-600", "0 60"})
    EXPECT_FALSE(parse_file_mode(text)) << text;
}

}  // namespace
}  // namespace countersign::cli
