#include "provider/audit/audit_writer.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "provider/audit/memory_audit_sink.h"

namespace countersign::provider {
namespace {

using testing::MemoryAuditSink;

// The file is looked at only when the writer is gone, or between two waits.
class AuditWriterTest : public ::testing::Test {
 protected:
  std::unique_ptr<AuditWriter> start() {
    auto writer = AuditWriter::start({}, std::make_unique<MemoryAuditSink>(file_), clock_);
    EXPECT_TRUE(writer) << writer.error().for_log();
    return writer ? *std::move(writer) : nullptr;
  }
  SystemClock clock_;
  MemoryAuditSink::File file_;
};

TEST_F(AuditWriterTest, DoesNotStartWithAFileThatCannotBeWritten) {
  file_.room = 0;
  const auto writer = AuditWriter::start({}, std::make_unique<MemoryAuditSink>(file_), clock_);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, "audit.unavailable");
}

TEST_F(AuditWriterTest, WhoWaitsIsToldWhenItIsOnDisk) {
  const auto writer = start();
  EXPECT_TRUE(writer->accepting());
  EXPECT_TRUE(writer->write_and_wait("one\n", 1));
  EXPECT_TRUE(file_.on_disk("one"));
}

TEST_F(AuditWriterTest, ManyThatWaitShareSyncsAndNoneIsLost) {
  {
    const auto writer = start();
    std::vector<std::thread> threads;
    std::atomic<int> told = 0;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          told += writer->write_and_wait(std::to_string(t * 1000 + i) + "\n", 1) ? 1 : 0;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(told, 1600);
    EXPECT_LE(writer->counters().syncs, 1601u);
  }
  EXPECT_EQ(file_.lines(), 1600u);
  EXPECT_EQ(file_.synced, file_.text.size());
}

TEST_F(AuditWriterTest, WritesAndSyncsWhatWaitsWhenItEnds) {
  {
    const auto writer = start();
    for (int i = 0; i < 100; ++i) writer->submit({.lines = "line\n", .count = 1, .done = {}});
  }
  EXPECT_EQ(file_.lines(), 100u);
  EXPECT_EQ(file_.synced, file_.text.size());
}

TEST_F(AuditWriterTest, ABrokenFileStopsEverythingUntilItWorksAgain) {
  file_.room = 4;
  {
    const auto writer = start();
    EXPECT_FALSE(writer->write_and_wait("longer than that\n", 1));
    EXPECT_EQ(writer->counters().write_failures, 1u);
    writer->submit({.lines = "abc\n", .count = 1, .done = {}});  // fits
  }
  EXPECT_EQ(file_.text, "abc\n");
}

TEST_F(AuditWriterTest, TooMuchThatWaitsIsNotAcceptedEither) {
  // A sink that holds the thread until the test lets go.
  class Stuck final : public AuditSink {
   public:
    explicit Stuck(std::atomic<bool>& held) : held_(held) {}
    int append(std::string_view lines) override {
      while (!lines.empty() && held_) std::this_thread::yield();
      return 0;
    }
    int sync() override { return 0; }
    Result<void> reopen() override { return {}; }

   private:
    std::atomic<bool>& held_;
  };
  std::atomic<bool> held = true;
  auto writer =
      AuditWriter::start({.backlog_bytes_max = 100}, std::make_unique<Stuck>(held), clock_);
  ASSERT_TRUE(writer);
  (*writer)->submit({.lines = std::string(60, 'a') + "\n", .count = 1, .done = {}});
  EXPECT_TRUE((*writer)->accepting());
  (*writer)->submit({.lines = std::string(60, 'b') + "\n", .count = 1, .done = {}});
  EXPECT_FALSE((*writer)->accepting());
  held = false;
  while (!(*writer)->accepting()) std::this_thread::yield();
}

TEST_F(AuditWriterTest, AReopenIsDoneByTheThread) {
  {
    const auto writer = start();
    EXPECT_TRUE(writer->reopen());
  }
  EXPECT_EQ(file_.reopened, 1u);
}

}  // namespace
}  // namespace countersign::provider
