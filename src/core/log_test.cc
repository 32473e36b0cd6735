#include "core/log.h"

#include <cmath>
#include <limits>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/json.h"
#include "core/secret.h"
#include "support/fake_clock.h"

namespace countersign {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

static_assert(!std::is_constructible_v<LogField, std::string_view, Secret>);
static_assert(!std::is_constructible_v<LogField, std::string_view, Secret&>);
static_assert(!std::is_constructible_v<LogField, std::string_view, const Secret*>);

class Kept final : public LogSink {
 public:
  void write(std::string_view line) noexcept override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

class LogTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  Kept kept_;
  Log log_{clock_, kept_};
  Log human_{clock_, kept_, {.human = true}};
};

TEST_F(LogTest, WritesOneObjectALineInTheGivenOrder) {
  log_.info("egress.started", {{"listen", "127.0.0.1:80"},
                               {"threads", 2},
                               {"limit", std::numeric_limits<uint64_t>::max()},
                               {"offset", std::numeric_limits<int64_t>::min()},
                               {"share", 0.75},
                               {"ok", true}});
  EXPECT_THAT(kept_.lines,
              ElementsAre("{\"time\":\"2027-01-15T08:00:00.000000Z\",\"level\":\"info\",\"event\":"
                          "\"egress.started\",\"listen\":\"127.0.0.1:80\",\"threads\":2,\"limit\":"
                          "18446744073709551615,\"offset\":-9223372036854775808,\"share\":0.75,"
                          "\"ok\":true}\n"));
}

TEST_F(LogTest, StaysOneLineOfJsonWhateverTheValues) {
  const std::string hostile("\"}\n{\"a\": \\ \x1b[2J \0 \xff", 20);
  log_.error("x", {{"value", hostile}, {"nothing", std::nan("")}});
  ASSERT_EQ(kept_.lines.size(), 1u);
  EXPECT_EQ(std::ranges::count(kept_.lines[0], '\n'), 1);
  const auto document = parse_json(kept_.lines[0]);
  ASSERT_TRUE(document.has_value());
  EXPECT_TRUE((*document)["nothing"].is_null());
  EXPECT_THAT(string_member(*document, "value").value(), HasSubstr("\"}\n{\"a\": \\ \x1b[2J "));
}

TEST_F(LogTest, WritesAnErrorAsItsParts) {
  log_.warning("x", {{"error", make_error(ErrorKind::internal, "a.b", "text", "detail")}});
  log_.warning("x", {{"error", make_error(ErrorKind::internal, "a.b", "text")}});
  EXPECT_THAT(kept_.lines,
              ElementsAre(HasSubstr(R"("error":{"code":"a.b","text":"text","detail":"detail"}})"),
                          HasSubstr(R"("error":{"code":"a.b","text":"text"}})")));
}

TEST_F(LogTest, DropsWhatIsBelowItsLevel) {
  const Log quiet(clock_, kept_, {.level = LogLevel::warning});
  quiet.debug("x");
  quiet.info("x");
  quiet.warning("x");
  quiet.error("x");
  EXPECT_THAT(kept_.lines, ElementsAre(HasSubstr("\"warning\""), HasSubstr("\"error\"")));
  EXPECT_FALSE(quiet.enabled(LogLevel::info));
  EXPECT_TRUE(quiet.enabled(LogLevel::warning));
}

TEST_F(LogTest, HumanFormLetsNoControlBytesThrough) {
  human_.info("egress.started",
              {{"plain", "a/b:80"}, {"n", 3}, {"value", "a \"b\"\n\x1b[2J\x7f\xc2\x9b"}});
  human_.info("x", {{"error", make_error(ErrorKind::internal, "a.b", "text", "detail")}});
  EXPECT_THAT(kept_.lines,
              ElementsAre("2027-01-15T08:00:00.000000Z info egress.started plain=a/b:80 n=3 "
                          "value=\"a \\\"b\\\"\\x0a\\x1b[2J\\x7f\\xc2\\x9b\"\n",
                          "2027-01-15T08:00:00.000000Z info x error=\"a.b: text (detail)\"\n"));
}

TEST(LogTime, IsUtcWithMicroseconds) {
  EXPECT_EQ(format_time(WallTime()), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time(WallTime(std::chrono::microseconds(1'709'208'000'000'001))),
            "2024-02-29T12:00:00.000001Z");
}

TEST(DescriptorSink, KeepsLinesOfManyThreadsWhole) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const testing::FakeClock clock;
  DescriptorSink sink(ends[1]);
  const Log log(clock, sink);
  constexpr int each = 50;
  std::thread first([&] {
    for (int i = 0; i < each; ++i) log.info("a", {{"i", i}});
  });
  std::thread second([&] {
    for (int i = 0; i < each; ++i) log.info("b", {{"i", i}});
  });
  first.join();
  second.join();
  close(ends[1]);
  std::string all;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    all.append(buffer, static_cast<size_t>(got));
  close(ends[0]);
  int lines = 0;
  for (size_t at = 0; at < all.size(); ++lines) {
    const size_t end = all.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_TRUE(parse_json(std::string_view(all).substr(at, end - at)).has_value());
    at = end + 1;
  }
  EXPECT_EQ(lines, 2 * each);
}

TEST(DescriptorSink, LosesTheLineRatherThanFailOrWait) {
  DescriptorSink closed(-1);
  closed.write("x\n");
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  DescriptorSink full(ends[1]);
  for (int i = 0; i < 100; ++i) full.write(std::string(4096, 'x'));
  std::string kept(1 << 20, '\0');
  EXPECT_GT(read(ends[0], kept.data(), kept.size()), 0);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace countersign
