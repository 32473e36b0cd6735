#include "provider/audit/audit_file.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provider/audit/audit_file_fixture.h"

namespace countersign::provider {
namespace {

using std::chrono::seconds;

// The file cannot grow: as a full disk. Restored when it ends.
class FullDisk final {
 public:
  explicit FullDisk(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_F(AuditFileTest, BeginsWithACheckpointAndHolds) {
  auto file = open();
  EXPECT_EQ(file->append(lines("D1", 3)), 0);
  EXPECT_EQ(file->sync(), 0);
  const VerifyReport report = verify();
  EXPECT_TRUE(report.holds());
  EXPECT_EQ(report.first_line, 1u);
  EXPECT_EQ(report.last_line, 6u);  // checkpoint, log_opened, checkpoint, three
  EXPECT_EQ(report.checkpoints, 2u);
  EXPECT_EQ(report.signed_through, 2u);
  EXPECT_TRUE(has_note(report, "audit.not_yet_signed"));
}

TEST_F(AuditFileTest, ItsEndIsSignedWhenItIsClosed) {
  {
    EXPECT_EQ(open()->append(lines("D1")), 0);
  }
  const VerifyReport report = verify();
  EXPECT_EQ(report.signed_through + 1, report.last_line);
  EXPECT_TRUE(report.notes.empty());
}

TEST_F(AuditFileTest, CheckpointsComeWithTimeAndOnlyIfThereIsSomethingToSign) {
  auto file = open();
  clock_.advance(seconds(11));
  EXPECT_EQ(file->append({}), 0);
  EXPECT_EQ(verify().checkpoints, 2u);
  EXPECT_EQ(file->append(lines("D1")), 0);  // late: signed with it
  EXPECT_EQ(verify().checkpoints, 2u);      // there was nothing before it
  EXPECT_EQ(file->append({}), 0);
  const VerifyReport report = verify();
  EXPECT_EQ(report.checkpoints, 3u);
  EXPECT_EQ(report.signed_through + 1, report.last_line);
}

TEST_F(AuditFileTest, TwoWritersThatWaitForEachOtherBothWriteOneChain) {
  constexpr int appends = 2'000;
  auto here = open();
  auto there = open();
  const std::string one = lines("D1");
  std::atomic<int> failed = 0;
  const auto write = [&](AuditFile& file) {
    for (int i = 0; i < appends; ++i) failed += file.append(one) == 0 ? 0 : 1;
  };
  std::thread other([&] { write(*there); });
  write(*here);
  other.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(here->sync(), 0);
  const VerifyReport report = verify();
  EXPECT_TRUE(report.holds());
  EXPECT_GE(report.last_line, 2u * appends);
}

TEST_F(AuditFileTest, ALockThatIsNotGivenBackIsAnError) {
  AuditFileOptions hasty = options();
  hasty.lock_patience = std::chrono::milliseconds(1);
  auto file = AuditFile::open(hasty, clock_).value();
  const int lock = ::open((path() + ".lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  EXPECT_EQ(file->append(lines("D1")), EWOULDBLOCK);
  ASSERT_EQ(close(lock), 0);
  EXPECT_EQ(file->append(lines("D1")), 0);
}

TEST_F(AuditFileTest, IsReadableByItsOwnerOnly) {
  open();
  struct stat status{};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(AuditFileTest, CannotBeOpenedWhereThereIsNoFolderOrNoFile) {
  AuditFileOptions wrong = options();
  for (const std::string& bad :
       {folder_ / "no/audit.jsonl", std::string("/dev/full"), folder_.path().string()}) {
    wrong.path = bad;
    const auto opened = AuditFile::open(wrong, clock_);
    ASSERT_FALSE(opened) << bad;
    EXPECT_EQ(opened.error().code, "audit.open_failed");
    EXPECT_EQ(opened.error().kind, ErrorKind::misconfigured);
  }
}

TEST_F(AuditFileTest, SeveralWritersMakeOneChain) {
  auto first = open();
  auto second = open();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(first->append(lines("D1")), 0);
    EXPECT_EQ(second->append(lines("D2", 2)), 0);
  }
  EXPECT_TRUE(verify().holds());
  EXPECT_EQ(verify().last_line, 5u + 15u);
  first.reset();
  second.reset();
  EXPECT_TRUE(verify().holds());
}

TEST_F(AuditFileTest, GoesOnWithTheChainAfterARestart) {
  {
    EXPECT_EQ(open()->append(lines("D1")), 0);
  }
  {
    EXPECT_EQ(open()->append(lines("D2")), 0);
  }
  EXPECT_TRUE(verify().holds());
}

TEST_F(AuditFileTest, RotatesAtItsSizeAndTheChainGoesOn) {
  AuditFileOptions small = options();
  small.rotate_bytes = 3'000;
  auto file = open(small);
  for (int i = 0; i < 80; ++i) EXPECT_EQ(file->append(lines("D1")), 0);
  file.reset();
  const auto files = list_audit_files(path());
  ASSERT_GT(files.size(), 3u);
  EXPECT_EQ(files.front().path, path() + ".000001");
  EXPECT_EQ(files.back().path, path());
  for (size_t i = 0; i < files.size(); ++i) EXPECT_EQ(files[i].start.file_number, i + 1);
  const VerifyReport report = verify();
  EXPECT_TRUE(report.holds());
  EXPECT_EQ(report.files, files.size());
  // A file of the middle is missing.
  std::filesystem::remove(files[1].path);
  EXPECT_EQ(broken(), "audit.line_missing");
}

TEST_F(AuditFileTest, DeletesTheOldestFilesAndSaysSo) {
  AuditFileOptions small = options();
  small.rotate_bytes = 3'000;
  small.keep_files = 2;
  auto file = open(small);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(file->append(lines("D1")), 0);
  file.reset();
  const auto files = list_audit_files(path());
  EXPECT_EQ(files.size(), 3u);
  const VerifyReport report = verify();
  EXPECT_TRUE(report.holds()) << report.broken->text;
  EXPECT_TRUE(has_note(report, "audit.pruned"));
  // One more that nobody recorded.
  std::filesystem::remove(files.front().path);
  EXPECT_EQ(broken(), "audit.start_missing");
}

TEST_F(AuditFileTest, ANewFileThatHadNoRoomForItsCheckpointBeginsWithOneLater) {
  auto file = open();
  EXPECT_EQ(file->append(lines("D1")), 0);
  std::filesystem::rename(path(), path() + ".1");
  {
    const FullDisk full(10);
    EXPECT_NE(file->append(lines("D2")), 0);
  }
  EXPECT_EQ(file->append(lines("D3")), 0);
  EXPECT_TRUE(is_checkpoint(split(text_of(path())).front()));
  EXPECT_TRUE(verify().holds());
}

TEST_F(AuditFileTest, FollowsARotationByOthersWithoutBeingTold) {
  auto file = open();
  EXPECT_EQ(file->append(lines("D1")), 0);
  std::filesystem::rename(path(), path() + ".1");
  EXPECT_EQ(file->append(lines("D2")), 0);
  EXPECT_NE(text_of(path()).find("D2"), std::string::npos);
  EXPECT_TRUE(file->reopen());
  EXPECT_NE(text_of(path()).find("log_opened"), std::string::npos);
  EXPECT_TRUE(verify().holds());
}

TEST_F(AuditFileTest, AFreshWriterFindsTheEndOfALogThatWasSetAside) {
  {
    auto file = open();
    EXPECT_EQ(file->append(lines("D1")), 0);
    std::filesystem::rename(path(), path() + ".1");
  }
  {
    EXPECT_EQ(open()->append(lines("D2")), 0);
  }
  EXPECT_TRUE(verify().holds());
}

TEST_F(AuditFileTest, KeepsTheOldFileIfThereIsNoWayToANewOne) {
  std::filesystem::create_directory(folder_ / "logs");
  AuditFileOptions moved = options();
  moved.path = (folder_ / "logs/audit.jsonl");
  auto file = open(moved);
  std::filesystem::rename(folder_ / "logs", folder_ / "moved");
  const auto reopened = file->reopen();
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().code, "audit.open_failed");
  EXPECT_EQ(file->append(lines("kept")), 0);
  EXPECT_NE(text_of((folder_ / "moved/audit.jsonl")).find("kept"), std::string::npos);
}

TEST_F(AuditFileTest, ALineThatACrashCutOffIsEndedAndExplained) {
  {
    EXPECT_EQ(open()->append(lines("D1", 3)), 0);
  }
  const std::string whole = text_of(path());
  const size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  // The process died at each byte of the last line.
  for (size_t cut = last + 1; cut < whole.size(); ++cut) {
    std::filesystem::remove(head_path(path()));  // written after the line, so not yet
    write_text(path(), whole.substr(0, cut));
    const VerifyReport torn = verify();
    EXPECT_TRUE(torn.holds()) << cut;
    EXPECT_TRUE(has_note(torn, "audit.torn"));
    {
      EXPECT_EQ(open()->append(lines("D2")), 0);
    }
    const VerifyReport report = verify();
    EXPECT_TRUE(report.holds()) << cut << ": " << report.broken->text;
    EXPECT_EQ(has_note(report, "audit.torn_repaired"), cut + 1 < whole.size()) << cut;
  }
}

TEST_F(AuditFileTest, GoesOnBehindLinesOfAVersionWithoutAChain) {
  write_text(path(), "{\"event\":\"log_opened\"}\n{\"event\":\"request\"}\n{\"cut o");
  {
    EXPECT_EQ(open()->append(lines("D1")), 0);
  }
  const VerifyReport report = verify();
  EXPECT_TRUE(report.holds()) << report.broken->text;
  EXPECT_TRUE(has_note(report, "audit.unprotected"));
}

TEST_F(AuditFileTest, AFullDiskTakesAllOfAnAppendOrNothing) {
  auto file = open();
  EXPECT_EQ(file->append(lines("D1")), 0);
  const std::string before = text_of(path());
  const std::string more = lines("D2", 4);
  for (size_t room = 0; room < more.size(); room += 7) {
    {
      const FullDisk full(before.size() + room);
      EXPECT_NE(file->append(more), 0);
    }
    EXPECT_EQ(text_of(path()), before) << room;
  }
  EXPECT_EQ(file->append(more), 0);
  EXPECT_TRUE(verify().holds());
  EXPECT_EQ(split(text_of(path())).size(), split(before).size() + 5);  // a checkpoint proves it
}

}  // namespace
}  // namespace countersign::provider
