#include "consumer/egress/access_log.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;

class KeepingSink final : public LogSink {
 public:
  void write(std::string_view lines) noexcept override { writes.emplace_back(lines); }
  std::vector<std::string> writes;
};

AccessRecord record() {
  return {.time = from_unix_seconds(1'800'000'000) + 7ms + 999us,
          .api = "acme",
          .scheme = "api_key",
          .method = "GET",
          .path = "/a",
          .status = 200,
          .outcome = CallOutcome::answered,
          .attempts = 1,
          .duration = 12'345'678ns};
}

TEST(AccessLog, WritesOnlyWhenFlushed) {
  KeepingSink sink;
  AccessLog log(&sink);
  log.append(record());
  log.append(record());
  EXPECT_TRUE(sink.writes.empty());
  log.flush();
  log.flush();
  ASSERT_EQ(sink.writes.size(), 1u);
  const std::string line =
      R"({"time":"2027-01-15T08:00:00.007Z","api":"acme","method":"GET","path":"/a","status":200,)"
      R"("outcome":"answered","attempts":1,"scheme":"api_key","ms":12.345,"request_bytes":0,"response_bytes":0})"
      "\n";
  EXPECT_EQ(sink.writes[0], line + line);
}

TEST(AccessLog, FlushesWhenDestroyed) {
  KeepingSink sink;
  {
    AccessLog(&sink).append(record());
  }
  EXPECT_EQ(sink.writes.size(), 1u);
}

TEST(AccessLog, FlushesByItselfWhenFull) {
  KeepingSink sink;
  AccessLog log(&sink, {.buffer_bytes_max = 100});
  log.append(record());
  EXPECT_EQ(sink.writes.size(), 1u);
}

TEST(AccessLog, WithoutASinkNothingIsKept) {
  AccessLog log(nullptr);
  EXPECT_FALSE(log.enabled());
  log.append(record());
  log.append_line("{}");
  log.flush();
}

TEST(AccessLog, NothingFromOutsideCanLookLikeALineOfItsOwn) {
  KeepingSink sink;
  AccessLog log(&sink);
  AccessRecord forged = record();
  forged.path = "/a\"}\n{\"status\":200,\x01\xff\\";
  forged.method = "GE\nT";
  log.append(forged);
  log.flush();
  const std::string& text = sink.writes.at(0);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_NE(text.find(R"(/a\"}\n{\"status\":200,\u0001)"), std::string::npos) << text;
}

TEST(AccessLog, AClockThatWasSetBackGivesNoNegativeDuration) {
  KeepingSink sink;
  AccessLog log(&sink);
  AccessRecord odd = record();
  odd.duration = -5ms;
  log.append(odd);
  log.flush();
  EXPECT_NE(sink.writes.at(0).find("\"ms\":0.000"), std::string::npos);
}

}  // namespace
}  // namespace countersign::consumer
