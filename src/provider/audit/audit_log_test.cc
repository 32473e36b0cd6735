#include "provider/audit/audit_log.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/json.h"
#include "provider/audit/memory_audit_sink.h"
#include "support/fake_clock.h"
#include "support/temporary_folder.h"
#include "support/test_executor.h"

namespace countersign::provider {
namespace {

using std::chrono::milliseconds;
using testing::MemoryAuditSink;

class AuditLogTest : public ::testing::Test {
 protected:
  AuditLog& log(AuditOptions options = {}) {
    log_ = std::make_unique<AuditLog>(std::move(options), std::make_unique<MemoryAuditSink>(file_),
                                      clock_, executor_);
    return *log_;
  }
  static AuditRecord allowed(std::string_view id) {
    return {.outcome = AuditOutcome::allow, .decision_id = id};
  }
  static AuditRecord denied(std::string_view id) {
    return {.outcome = AuditOutcome::deny, .decision_id = id};
  }
  void expect_whole_lines() const {
    std::istringstream lines(file_.text);
    std::string line;
    while (std::getline(lines, line)) EXPECT_TRUE(parse_json(line)) << line;
    EXPECT_TRUE(file_.text.empty() || file_.text.ends_with('\n'));
  }

  testing::FakeClock clock_;
  testing::TestExecutor executor_{clock_};
  MemoryAuditSink::File file_;
  std::unique_ptr<AuditLog> log_;
};

TEST_F(AuditLogTest, ProvesThatItCanBeWrittenBeforeAnythingIsAllowed) {
  file_.room = 0;
  AuditLog& audit = log();
  const auto checked = audit.check_writable();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, "audit.unavailable");
  EXPECT_EQ(audit.counters().refused, 1u);
}

TEST_F(AuditLogTest, FirstLineSaysThatTheLogWasOpened) {
  ASSERT_TRUE(log().check_writable());
  EXPECT_TRUE(file_.contains(R"("event":"log_opened")"));
  EXPECT_EQ(file_.lines(), 1u);
}

TEST_F(AuditLogTest, AllowedLinesAreInTheFileAfterTheFlushInterval) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  audit.record_allowed(allowed("D1"));
  executor_.advance(milliseconds(99));
  EXPECT_FALSE(file_.contains("D1"));
  executor_.advance(milliseconds(1));
  EXPECT_TRUE(file_.contains("D1"));
}

TEST_F(AuditLogTest, ManyAllowedLinesLeaveInOneWrite) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  const size_t before = file_.appends;
  for (int i = 0; i < 50; ++i) audit.record_allowed(allowed("D1"));
  executor_.advance(milliseconds(100));
  EXPECT_EQ(file_.appends, before + 1);
  EXPECT_EQ(file_.lines(), 51u);
  EXPECT_EQ(audit.counters().lines, 51u);
}

TEST_F(AuditLogTest, AFullBufferIsWrittenAtOnce) {
  AuditLog& audit = log({.flush_bytes = 300});
  ASSERT_TRUE(audit.check_writable());
  while (!file_.contains("D1")) audit.record_allowed(allowed("D1"));
  EXPECT_EQ(file_.lines(), 4u);  // the first line and three of 108 bytes
}

TEST_F(AuditLogTest, ADenialIsInTheFileWhenItReturnsAndSoIsAllBeforeIt) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  audit.record_allowed(allowed("D1"));
  ASSERT_TRUE(audit.record_now(denied("D2")));
  EXPECT_LT(file_.text.find("D1"), file_.text.find("D2"));
  EXPECT_TRUE(file_.contains(R"("outcome":"deny","decision":"D2")"));
}

TEST_F(AuditLogTest, RefusesTheDecisionWhoseLineCannotBeWritten) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  file_.room = 0;
  const auto recorded = audit.record_now(denied("D1"));
  ASSERT_FALSE(recorded);
  EXPECT_EQ(recorded.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(audit.check_writable());
  file_.room = SIZE_MAX;
  EXPECT_TRUE(audit.check_writable());
  ASSERT_TRUE(audit.flush());
  EXPECT_FALSE(file_.contains("D1"));  // it was answered with 503 instead
}

TEST_F(AuditLogTest, KeepsAllowedLinesUntilTheLogWorksAgain) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  audit.record_allowed(allowed("D1"));
  file_.room = 0;
  executor_.advance(milliseconds(500));
  EXPECT_FALSE(audit.check_writable());
  audit.record_allowed(allowed("D2"));  // was already under way
  file_.room = SIZE_MAX;
  executor_.advance(milliseconds(100));  // without any request
  EXPECT_TRUE(file_.contains("D1"));
  EXPECT_TRUE(file_.contains("D2"));
  EXPECT_TRUE(audit.check_writable());
  expect_whole_lines();
}

TEST_F(AuditLogTest, RepairsALineThatBrokeOff) {
  for (size_t room = 1; room < 230; ++room) {
    file_ = {};
    AuditLog& audit = log();
    ASSERT_TRUE(audit.check_writable());
    audit.record_allowed(allowed("D1"));
    audit.record_allowed(allowed("D2"));
    file_.room = room;
    const bool written = audit.flush().has_value();
    file_.room = SIZE_MAX;
    ASSERT_TRUE(audit.record_now(denied("D3")));
    // What broke off stands on a line of its own; each record is there whole, in order. One that
    // lacked only its line feed is there twice: another writer could have come in between, so it
    // cannot be completed.
    std::istringstream lines(file_.text);
    std::string line;
    std::string whole;
    while (std::getline(lines, line)) {
      const auto document = parse_json(line);
      if (document && has_member(*document, "decision")) {
        const std::string id = (*document)["decision"].get<std::string>();
        if (!whole.ends_with(id)) whole += id;
      }
    }
    EXPECT_EQ(whole, "D1D2D3") << "room " << room << (written ? " (written)" : "");
    EXPECT_EQ(audit.counters().lines, 4u);
    log_.reset();
  }
}

TEST_F(AuditLogTest, MemoryIsBoundedWhileTheLogIsBroken) {
  AuditLog& audit = log({.pending_bytes_max = 1000});
  file_.room = 0;
  EXPECT_FALSE(audit.check_writable());
  for (int i = 0; i < 100; ++i) audit.record_allowed(allowed("D1"));
  EXPECT_GT(audit.counters().lost_lines, 80u);
  EXPECT_LT(audit.counters().lost_lines, 100u);
}

TEST_F(AuditLogTest, DenialsPassAlsoBehindABufferThatIsOverItsLimit) {
  AuditLog& audit = log({.flush_bytes = 1 << 20, .pending_bytes_max = 500});
  ASSERT_TRUE(audit.check_writable());
  for (int i = 0; i < 20; ++i) audit.record_allowed(allowed("D1"));
  ASSERT_TRUE(audit.record_now(denied("D2")));
  EXPECT_TRUE(file_.contains("D2"));
}

TEST_F(AuditLogTest, SaysOnceThatItIsBrokenAndOnceThatItWorksAgain) {
  AuditLog& audit = log();
  file_.room = 0;
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(audit.check_writable());
  const std::string broken = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(broken, '\n'), 1) << broken;
  EXPECT_NE(broken.find("audit.unavailable"), std::string::npos);
  EXPECT_NE(broken.find("No space left on device"), std::string::npos);
  file_.room = SIZE_MAX;
  ::testing::internal::CaptureStderr();
  EXPECT_TRUE(audit.check_writable());
  EXPECT_TRUE(audit.check_writable());
  const std::string works = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(works, '\n'), 1) << works;
  EXPECT_NE(works.find("audit.available"), std::string::npos);
  EXPECT_EQ(audit.counters().write_failures, 5u);
}

TEST_F(AuditLogTest, WritesWhatWaitsWhenItIsDestroyed) {
  AuditLog& audit = log();
  audit.record_allowed(allowed("D1"));
  log_.reset();
  EXPECT_TRUE(file_.contains("D1"));
}

TEST_F(AuditLogTest, ReopenWritesWhatWaitsToTheOldFile) {
  AuditLog& audit = log();
  audit.record_allowed(allowed("D1"));
  ASSERT_TRUE(audit.reopen());
  EXPECT_EQ(file_.reopened, 1u);
  EXPECT_EQ(file_.lines(), 3u);  // opened, D1, opened again
}

class SlowRequest final : public AuditLog::OpenRequest {
 public:
  explicit SlowRequest(std::string_view id) : id_(id) {}

 private:
  AuditRecord describe() const override {
    return {.event = AuditEvent::request_open, .outcome = AuditOutcome::allow, .decision_id = id_};
  }
  std::string_view id_;
};

TEST_F(AuditLogTest, ARequestThatTakesLongHasALineBeforeItsAnswer) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  SlowRequest slow("D1");
  audit.begin(slow);
  {
    SlowRequest fast("D2");
    audit.begin(fast);
  }
  executor_.advance(milliseconds(99));
  EXPECT_FALSE(file_.contains("D1"));
  executor_.advance(milliseconds(1));
  EXPECT_TRUE(file_.contains(R"("event":"request_open","outcome":"allow","decision":"D1")"));
  executor_.advance(milliseconds(1000));
  EXPECT_EQ(file_.lines(), 2u);  // once
  EXPECT_FALSE(file_.contains("D2"));
}

TEST_F(AuditLogTest, OpenRequestsAreDescribedWithinTwoIntervalsWheneverTheyBegan) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  SlowRequest first("D1");
  audit.begin(first);
  executor_.advance(milliseconds(50));
  SlowRequest second("D2");
  audit.begin(second);
  executor_.advance(milliseconds(149));
  EXPECT_FALSE(file_.contains("D2"));
  executor_.advance(milliseconds(1));
  EXPECT_TRUE(file_.contains("D2"));
}

TEST_F(AuditLogTest, AnOpenRequestMayEndWhileTheLogIsBroken) {
  AuditLog& audit = log({.pending_bytes_max = 10});
  file_.room = 0;
  {
    SlowRequest slow("D1");
    audit.begin(slow);
    executor_.advance(milliseconds(300));
  }
  file_.room = SIZE_MAX;
  executor_.advance(milliseconds(100));
  EXPECT_EQ(file_.lines(), 1u);
  EXPECT_EQ(audit.counters().lost_lines, 1u);
}

// The file itself.

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(AuditFile, FullDeviceFailsClosed) {
  testing::FakeClock clock;
  testing::TestExecutor executor(clock);
  auto file = AuditFile::open("/dev/full");
  ASSERT_TRUE(file) << file.error().for_log();
  AuditLog log({}, *std::move(file), clock, executor);
  EXPECT_FALSE(log.check_writable());
  EXPECT_FALSE(log.record_now({.outcome = AuditOutcome::deny}));
  EXPECT_EQ(log.counters().lines, 0u);
}

TEST(AuditFile, IsReadableByItsOwnerOnly) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(AuditFile::open(folder / "audit.jsonl"));
  struct stat status{};
  ASSERT_EQ(stat((folder / "audit.jsonl").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST(AuditFile, EndsALineThatACrashCutOff) {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "audit.jsonl";
  std::ofstream(path) << "{\"whole\":1}\n{\"cut o";
  {
    auto file = AuditFile::open(path);
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->append("{\"next\":1}\n").error_code, 0);
  }
  EXPECT_EQ(text_of(path), "{\"whole\":1}\n{\"cut o\n{\"next\":1}\n");
  ASSERT_TRUE(AuditFile::open(path));
  EXPECT_EQ(text_of(path), "{\"whole\":1}\n{\"cut o\n{\"next\":1}\n");
}

TEST(AuditFile, TwoWritersKeepTheirLinesWhole) {
  const testing::TemporaryFolder folder;
  auto first = AuditFile::open(folder / "audit.jsonl");
  auto second = AuditFile::open(folder / "audit.jsonl");
  ASSERT_TRUE(first && second);
  EXPECT_EQ((*first)->append("a\n").bytes, 2u);
  EXPECT_EQ((*second)->append("b\n").bytes, 2u);
  EXPECT_EQ((*first)->append("c\n").bytes, 2u);
  EXPECT_EQ(text_of(folder / "audit.jsonl"), "a\nb\nc\n");
}

TEST(AuditFile, ReopensTheSamePathAfterRotation) {
  const testing::TemporaryFolder folder;
  auto file = AuditFile::open(folder / "audit.jsonl");
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->append("old\n").error_code, 0);
  std::filesystem::rename(folder / "audit.jsonl", folder / "audit.jsonl.1");
  EXPECT_EQ((*file)->append("still old\n").error_code, 0);
  ASSERT_TRUE((*file)->reopen());
  EXPECT_EQ((*file)->append("new\n").error_code, 0);
  EXPECT_EQ(text_of(folder / "audit.jsonl.1"), "old\nstill old\n");
  EXPECT_EQ(text_of(folder / "audit.jsonl"), "new\n");
}

TEST(AuditFile, KeepsTheOldFileIfReopeningFails) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "logs");
  auto file = AuditFile::open(folder / "logs/audit.jsonl");
  ASSERT_TRUE(file);
  std::filesystem::rename(folder / "logs", folder / "moved");
  const auto reopened = (*file)->reopen();
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().code, "audit.open_failed");
  EXPECT_EQ((*file)->append("kept\n").error_code, 0);
  EXPECT_EQ(text_of(folder / "moved/audit.jsonl"), "kept\n");
}

TEST(AuditFile, CannotBeOpenedWhereThereIsNoFolder) {
  const testing::TemporaryFolder folder;
  const auto file = AuditFile::open(folder / "missing/audit.jsonl");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, "audit.open_failed");
  EXPECT_EQ(file.error().kind, ErrorKind::misconfigured);
}

}  // namespace
}  // namespace countersign::provider
