#include "provider/audit/audit_log.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "core/json.h"
#include "provider/audit/memory_audit_sink.h"
#include "support/fake_clock.h"
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
  // What `co_await record()` gives, when the disk answers at once.
  Result<void> recorded(AuditLog& audit, const AuditRecord& record) {
    const auto wait = [](AuditLog& into, AuditRecord what) -> Task<Result<void>> {
      co_return co_await into.record(what);
    };
    return executor_.run_until_done(wait(audit, record));
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
  EXPECT_EQ(file_.lines(), 50u);
}

TEST_F(AuditLogTest, AFullBufferIsWrittenAtOnce) {
  AuditLog& audit = log({.flush_bytes = 300});
  ASSERT_TRUE(audit.check_writable());
  while (!file_.contains("D1")) audit.record_allowed(allowed("D1"));
  EXPECT_EQ(file_.lines(), 3u);  // of 108 bytes
}

TEST_F(AuditLogTest, ADenialIsOnDiskWhenItReturnsAndSoIsAllBeforeIt) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  audit.record_allowed(allowed("D1"));
  ASSERT_TRUE(recorded(audit, denied("D2")));
  EXPECT_LT(file_.text.find("D1"), file_.text.find("D2"));
  EXPECT_TRUE(file_.on_disk(R"("outcome":"deny","decision":"D2")"));
  EXPECT_EQ(file_.syncs, 1u);
}

TEST_F(AuditLogTest, AllowedLinesDoNotWaitForTheDisk) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  const size_t before = file_.syncs;
  audit.record_allowed(allowed("D1"));
  executor_.advance(milliseconds(100));
  EXPECT_TRUE(file_.contains("D1"));
  EXPECT_EQ(file_.syncs, before);
}

TEST_F(AuditLogTest, RefusesTheDecisionThatDoesNotReachTheDisk) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  file_.sync_error = EIO;
  EXPECT_FALSE(recorded(audit, denied("D1")));
  EXPECT_FALSE(audit.check_writable());
  file_.sync_error = 0;
  EXPECT_TRUE(audit.check_writable());
  EXPECT_TRUE(recorded(audit, denied("D2")));
  EXPECT_EQ(audit.counters().refused, 2u);
}

TEST_F(AuditLogTest, RefusesTheDecisionWhoseLineCannotBeWritten) {
  AuditLog& audit = log();
  ASSERT_TRUE(audit.check_writable());
  file_.room = 0;
  const auto refused = recorded(audit, denied("D1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
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
  ASSERT_TRUE(recorded(audit, denied("D2")));
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
}

TEST_F(AuditLogTest, WritesWhatWaitsWhenItIsDestroyed) {
  AuditLog& audit = log();
  audit.record_allowed(allowed("D1"));
  log_.reset();
  EXPECT_TRUE(file_.contains("D1"));
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
  EXPECT_EQ(file_.lines(), 1u);  // once
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
  EXPECT_EQ(audit.counters().lost_lines, 0u);  // its line fits, and nothing else
  executor_.advance(milliseconds(100));
  EXPECT_EQ(file_.lines(), 1u);
}

// A journal whose disk answers when the test says so.
class SlowJournal final : public AuditJournal {
 public:
  void submit(AuditBatch batch) override { batches.push_back(std::move(batch)); }
  bool accepting() const override { return true; }
  bool retry() override { return true; }
  Result<void> reopen() override { return {}; }
  std::vector<AuditBatch> batches;
};

class DurableRecordTest : public ::testing::Test {
 protected:
  void decide() {
    const auto wait = [](AuditLog& into, std::optional<bool>& answer) -> Task<void> {
      const auto recorded = co_await into.record({.outcome = AuditOutcome::deny});
      answer = recorded.has_value();
    };
    executor_.spawn(wait(log_, answer_));
    executor_.run();
  }

  testing::FakeClock clock_;
  testing::TestExecutor executor_{clock_};
  SlowJournal journal_;
  AuditLog log_{{}, journal_, clock_, executor_};
  std::optional<bool> answer_;
};

TEST_F(DurableRecordTest, WaitsUntilTheDiskHasIt) {
  decide();
  ASSERT_EQ(journal_.batches.size(), 1u);
  EXPECT_FALSE(answer_);
  journal_.batches[0].done(true);
  executor_.run();
  EXPECT_EQ(answer_, true);
}

TEST_F(DurableRecordTest, IsRefusedIfTheDiskRefuses) {
  decide();
  journal_.batches[0].done(false);
  executor_.run();
  EXPECT_EQ(answer_, false);
  EXPECT_EQ(log_.counters().refused, 1u);
}

TEST_F(DurableRecordTest, IsRefusedWhenTheDiskTakesTooLongAndALateWordIsNotHeard) {
  decide();
  executor_.advance(milliseconds(9'999));
  EXPECT_FALSE(answer_);
  executor_.advance(milliseconds(1));
  EXPECT_EQ(answer_, false);
  journal_.batches[0].done(true);
  executor_.run();
  EXPECT_EQ(answer_, false);
}

TEST_F(DurableRecordTest, WhoAwaitsItMayBeDestroyedMeanwhile) {
  {
    const auto wait = [](AuditLog& into) -> Task<Result<void>> {
      co_return co_await into.record({.outcome = AuditOutcome::deny});
    };
    Task<Result<void>> task = wait(log_);
    task.start();
    EXPECT_FALSE(task.done());
  }
  journal_.batches[0].done(true);
  executor_.run();
}

}  // namespace
}  // namespace countersign::provider
