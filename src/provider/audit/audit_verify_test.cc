#include "provider/audit/audit_verify.h"

#include <filesystem>

#include "provider/audit/audit_file_fixture.h"

namespace countersign::provider {
namespace {

// A log of one file: a checkpoint, log_opened, a checkpoint, eight decisions, a checkpoint.
class AuditVerifyTest : public AuditFileTest {
 protected:
  AuditVerifyTest() {
    auto file = open();
    for (int i = 0; i < 8; ++i) {
      EXPECT_EQ(file->append(lines("D" + std::to_string(i))), 0);
      clock_.advance(std::chrono::milliseconds(10));
    }
    file.reset();
    all_ = split(text_of(path()));
    EXPECT_EQ(all_.size(), 12u);
  }
  // The file with these lines instead: where does it break?
  VerifyReport with(const std::vector<std::string>& changed) {
    write_text(path(), join(changed));
    return verify();
  }
  std::vector<std::string> all_;
};

TEST_F(AuditVerifyTest, HoldsUntouched) {
  EXPECT_TRUE(verify().holds());
}

TEST_F(AuditVerifyTest, FindsAnAlteredByteWhereverItIsAndNamesItsLine) {
  for (size_t i = 0; i < all_.size(); ++i) {
    for (size_t at = i; at < all_[i].size(); at += 7) {
      auto changed = all_;
      changed[i][at] = changed[i][at] == 'x' ? 'y' : 'x';
      const VerifyReport report = with(changed);
      ASSERT_TRUE(report.broken) << i << " " << at;
      EXPECT_EQ(report.broken->line, i + 1) << at << report.broken->text;
      EXPECT_EQ(report.broken->file, path());
    }
  }
}

TEST_F(AuditVerifyTest, FindsEveryLineThatIsTakenOutOfTheMiddle) {
  for (size_t i = 0; i + 1 < all_.size(); ++i) {
    auto changed = all_;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_TRUE(with(changed).broken) << i;
  }
}

TEST_F(AuditVerifyTest, FindsEveryLineThatIsRepeatedMovedOrPutIn) {
  for (size_t i = 0; i < all_.size(); ++i) {
    const auto place = static_cast<std::ptrdiff_t>(i);
    auto repeated = all_;
    repeated.insert(repeated.begin() + place, all_[i]);
    EXPECT_TRUE(with(repeated).broken) << i;
    if (i + 1 < all_.size()) {
      auto moved = all_;
      std::swap(moved[i], moved[i + 1]);
      EXPECT_TRUE(with(moved).broken) << i;
    }
    auto put_in = all_;
    put_in.insert(put_in.begin() + place + 1, R"({"event":"request","outcome":"allow"})");
    const VerifyReport report = with(put_in);
    ASSERT_TRUE(report.broken) << i;
    EXPECT_EQ(report.broken->code, "audit.not_chained");
    EXPECT_EQ(report.broken->line, i + 2);
  }
}

TEST_F(AuditVerifyTest, FindsAChainThatWasComputedAnewWithoutTheKey) {
  // Whoever can write the file can make hashes: but not signatures.
  auto changed = all_;
  ChainWriter forger;
  std::string text;
  for (std::string line : all_) {
    const auto content = parse_chained_line(line)->content;
    line = std::string(content.substr(0, content.rfind(",\"n\":")));
    if (const size_t at = line.find("\"D3\""); at != std::string::npos) line[at + 1] = 'E';
    forger.append(text, line + "}\n");
  }
  write_text(path(), text);
  const VerifyReport report = verify();
  ASSERT_TRUE(report.broken);
  EXPECT_EQ(report.broken->code, "audit.bad_checkpoint");
  EXPECT_EQ(report.broken->line, all_.size());
}

TEST_F(AuditVerifyTest, FindsACutEndByACheckpointThatIsKnownFromElsewhere) {
  const std::string known = all_.back();
  for (size_t keep = 3; keep < all_.size(); ++keep) {
    const VerifyReport alone =
        with({all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(keep)});
    EXPECT_TRUE(alone.holds());  // by itself it cannot know
    EXPECT_EQ(broken({known}), "audit.cut_off");
  }
  write_text(path(), join(all_));
  EXPECT_EQ(broken({known}), "");
}

TEST_F(AuditVerifyTest, ALogThatWasCutAndGoesOnShowsAGap) {
  write_text(path(), join({all_.begin(), all_.begin() + 5}));
  {
    EXPECT_EQ(open()->append(lines("after")), 0);
  }
  const VerifyReport report = verify();
  ASSERT_TRUE(report.broken);
  EXPECT_EQ(report.broken->code, "audit.line_missing");
  EXPECT_EQ(report.broken->line, 6u);
}

TEST_F(AuditVerifyTest, ADeletedLogThatGoesOnShowsAGap) {
  std::filesystem::remove(path());
  {
    EXPECT_EQ(open()->append(lines("after")), 0);
  }
  EXPECT_EQ(broken(), "audit.start_missing");
}

TEST_F(AuditVerifyTest, FindsACutBeginning) {
  EXPECT_EQ(with({all_.begin() + 4, all_.end()}).broken->code, "audit.start_missing");
  // At a checkpoint, which is signed: but nothing says that what was before it was deleted.
  EXPECT_EQ(with({all_.begin() + 2, all_.end()}).broken->code, "audit.start_missing");
}

TEST_F(AuditVerifyTest, WantsTheKeyThatSigned) {
  const auto other = crypto::PrivateKey::generate(crypto::eddsa).value();
  const auto report =
      verify_audit_log({.files = {path()}, .keys = {other.public_key()}, .expected = {}});
  ASSERT_TRUE(report && report->broken);
  EXPECT_EQ(report->broken->code, "audit.key_unknown");
  EXPECT_EQ(report->broken->line, 1u);
  const auto none = verify_audit_log({.files = {path()}, .keys = {}, .expected = {}});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, "audit.no_key");
  // After the key was changed both are given.
  const auto both = verify_audit_log(
      {.files = {path()}, .keys = {other.public_key(), key_.public_key()}, .expected = {}});
  EXPECT_TRUE(both && both->holds());
}

TEST_F(AuditVerifyTest, ALogThatWasRewrittenWithTheKeyIsNotTheOneThatIsKnown) {
  const std::string known = all_.back();
  std::filesystem::remove(path());
  std::filesystem::remove(head_path(path()));
  {
    auto file = open();
    EXPECT_EQ(file->append(lines("other", 20)), 0);
  }
  EXPECT_EQ(broken(), "");
  EXPECT_EQ(broken({known}), "audit.other_history");
}

TEST_F(AuditVerifyTest, RefusesAnExpectedCheckpointThatIsNone) {
  for (const std::string& bad : {std::string("{}"), all_[5], std::string()}) {
    const auto report =
        verify_audit_log({.files = {path()}, .keys = {key_.public_key()}, .expected = {bad}});
    ASSERT_FALSE(report) << bad;
    EXPECT_EQ(report.error().code, "audit.bad_checkpoint");
  }
}

TEST_F(AuditVerifyTest, NothingHoldsIfThereIsNothing) {
  write_text(path(), "");
  EXPECT_EQ(broken(), "audit.empty");
  write_text(path(), "{\"event\":\"request\"}\n");
  EXPECT_EQ(broken(), "audit.empty");
}

}  // namespace
}  // namespace countersign::provider
