#include "provider/audit/watch_rules.h"

#include <gtest/gtest.h>

#include "provider/audit/alert_sender.h"
#include "provider/audit/watch.h"
#include "support/fake_client.h"
#include "support/fake_clock.h"
#include "support/temporary_folder.h"
#include "support/test_executor.h"

namespace countersign::provider {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class WatchRulesTest : public ::testing::Test {
 protected:
  static WatchOptions options() {
    WatchOptions made;
    made.actions.fill(WatchAction::alert);
    made.learn_for = seconds(24 * 3600);
    made.burst_denials = 5;
    made.honey = {"HONEY"};
    return made;
  }
  WatchEvent event(std::string_view remote = "192.0.2.7", uint64_t certificate = 7) const {
    return {.outcome = AuditOutcome::allow,
            .client = "shop",
            .credential = "K1",
            .decision = "D1",
            .reason = {},
            .remote = IpAddress::parse(remote).value(),
            .certificate = certificate,
            .time = now_};
  }
  WatchEvent denial(std::string_view client = "shop",
                    std::string_view reason = "scope_insufficient") const {
    WatchEvent made = event();
    made.outcome = AuditOutcome::deny;
    made.client = client;
    made.reason = reason;
    return made;
  }
  // The rules that were raised, joined by blanks.
  std::string raised(const WatchEvent& seen) {
    std::string all;
    for (const Alert& alert : rules_.consider(seen)) {
      all += (all.empty() ? "" : " ") + std::string(name_of(alert.rule));
      last_ = alert;
    }
    return all;
  }
  // Everything that K1 does all day long is known.
  void learn() {
    for (int i = 0; i < 24; ++i, now_ += hours(1)) EXPECT_EQ(raised(event()), "");
  }

  WallTime now_ = from_unix_seconds(1'800'000'000);
  WatchRules rules_{options()};
  Alert last_;
};

TEST_F(WatchRulesTest, WhatACredentialDoesWhileItIsLearntIsNotTold) {
  EXPECT_EQ(raised(event("198.51.100.1", 8)), "");
  learn();
}

TEST_F(WatchRulesTest, TellsANetworkThatWasNeverSeenOnce) {
  learn();
  EXPECT_EQ(raised(event("192.0.2.200")), "");  // of the same /24
  EXPECT_EQ(raised(event("198.51.100.1")), "new_address");
  EXPECT_EQ(last_.client, "shop");
  EXPECT_EQ(last_.decision, "D1");
  now_ += minutes(5);
  EXPECT_EQ(raised(event("198.51.100.1")), "");
  EXPECT_EQ(raised(event("2001:db8::1")), "new_address");
  now_ += minutes(5);
  EXPECT_EQ(raised(event("2001:db8::ffff")), "");  // of the same /64
}

TEST_F(WatchRulesTest, TellsACertificateThatWasNeverSeenOnce) {
  learn();
  EXPECT_EQ(raised(event("192.0.2.7", 8)), "new_certificate");
  now_ += minutes(5);
  EXPECT_EQ(raised(event("192.0.2.7", 8)), "");
  EXPECT_EQ(raised(event("192.0.2.7", 0)), "");  // none is not a new one
}

TEST_F(WatchRulesTest, TellsAnHourOfTheDayAtWhichItWasNeverUsed) {
  for (int day = 0; day < 3; ++day, now_ += hours(24)) EXPECT_EQ(raised(event()), "");
  now_ += hours(5);
  EXPECT_EQ(raised(event()), "new_hour");
  now_ += hours(24);
  EXPECT_EQ(raised(event()), "");
}

TEST_F(WatchRulesTest, ACredentialOfAnotherClientIsAnotherOne) {
  learn();
  WatchEvent other = event("198.51.100.1");
  other.client = "pay";
  EXPECT_EQ(raised(other), "");  // begins to be learnt
}

TEST_F(WatchRulesTest, TellsABurstOfDenialsAtItsBound) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(raised(denial()), "");
  EXPECT_EQ(raised(denial()), "denial_burst");
  EXPECT_EQ(raised(denial()), "");  // once
  now_ += seconds(60);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(raised(denial()), "");
  EXPECT_EQ(raised(denial()), "denial_burst");
}

TEST_F(WatchRulesTest, DenialsThatAreFarApartAreNoBurst) {
  for (int i = 0; i < 50; ++i, now_ += seconds(20)) EXPECT_EQ(raised(denial()), "");
}

TEST_F(WatchRulesTest, WhatIsThisSidesFaultIsNoBurst) {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(raised(denial("shop", "record_stale")), "");
}

TEST_F(WatchRulesTest, TellsARefreshTokenThatIsUsedASecondTime) {
  EXPECT_EQ(raised(denial("shop", "refresh_token_reused")), "refresh_reuse");
}

TEST_F(WatchRulesTest, TellsAHoneyKeyWhateverComesOfIt) {
  WatchEvent used = event();
  used.credential = "HONEY";
  EXPECT_EQ(raised(used), "honey_key");
  used.time = now_ += minutes(2);
  used.outcome = AuditOutcome::deny;
  EXPECT_EQ(raised(used), "honey_key");
  used.credential = "K1";
  used.client = "HONEY";
  EXPECT_EQ(raised(used), "honey_key");
}

TEST_F(WatchRulesTest, NobodyButAClientItselfCanHaveItCutOff) {
  WatchOptions strict = options();
  strict.actions.fill(WatchAction::quarantine);
  rules_ = WatchRules(strict);
  for (int i = 0; i < 5; ++i) raised(denial(""));
  EXPECT_EQ(last_.rule, WatchRule::denial_burst);
  EXPECT_EQ(last_.action, WatchAction::alert);
  for (int i = 0; i < 5; ++i) raised(denial("shop"));
  EXPECT_EQ(last_.action, WatchAction::quarantine);
}

TEST_F(WatchRulesTest, ARuleThatIsOffSaysNothing) {
  WatchOptions off = options();
  off.actions.fill(WatchAction::off);
  rules_ = WatchRules(off);
  learn();
  EXPECT_EQ(raised(event("198.51.100.1", 9)), "");
  EXPECT_EQ(raised(denial("HONEY", "refresh_token_reused")), "");
}

TEST_F(WatchRulesTest, MemoryIsBoundedWhateverComes) {
  WatchOptions small = options();
  small.credentials_max = 10;
  small.sources_max = 10;
  rules_ = WatchRules(small);
  for (int i = 0; i < 1000; ++i) {
    WatchEvent one = event();
    one.credential = std::to_string(i);
    raised(one);
    WatchEvent two = denial(std::to_string(i));
    raised(two);
  }
  EXPECT_EQ(rules_.credentials(), 10u);
  EXPECT_EQ(rules_.untracked(), 990u);
  // What was counted is forgotten when its time has passed: others are counted again.
  now_ += minutes(2);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(raised(denial("late")), "");
  EXPECT_EQ(raised(denial("late")), "denial_burst");
}

TEST_F(WatchRulesTest, WhatWasLearntSurvivesARestart) {
  learn();
  WatchRules next(options());
  ASSERT_TRUE(next.read(rules_.write()));
  rules_ = std::move(next);
  EXPECT_EQ(raised(event()), "");
  EXPECT_EQ(raised(event("198.51.100.1")), "new_address");
}

TEST_F(WatchRulesTest, StateThatIsDamagedIsNotTaken) {
  learn();
  const std::string text = rules_.write();
  for (const std::string& bad :
       {std::string("x"), text.substr(0, text.size() / 2), std::string("{}\n"),
        text + R"({"credential":"a","since":1,"networks":[-1],"certificates":[],"hours":0})",
        text +
            R"({"credential":"a","since":1,"networks":[],"certificates":[],"hours":16777216})"}) {
    const auto read = rules_.read(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, "watch.bad_state");
  }
  EXPECT_EQ(rules_.credentials(), 1u);
}

// The loop's side.

TEST(WatchTap, PassesAnAllowedRequestOnOnceAnHour) {
  const IpAddress remote = IpAddress::parse("192.0.2.7").value();
  const AuditRecord record{.outcome = AuditOutcome::allow,
                           .client = "shop",
                           .credential_id = "K1",
                           .scheme = "api_key",
                           .remote = &remote};
  WatchTap tap;
  WallTime now = from_unix_seconds(1'800'000'000);
  for (int i = 0; i < 100; ++i) tap.see(record, now);
  EXPECT_EQ(tap.take().size(), 1u);
  tap.see(record, now + hours(1));
  EXPECT_EQ(tap.take().size(), 1u);
  EXPECT_TRUE(tap.empty());
}

TEST(WatchTap, PassesEachDenialOnUpToItsBoundAndCountsTheRest) {
  WatchTap tap;
  for (int i = 0; i < 1500; ++i) tap.see({.outcome = AuditOutcome::deny}, WallTime{});
  EXPECT_EQ(tap.take().size(), 1024u);
  EXPECT_EQ(tap.dropped(), 476u);
}

TEST(WatchTap, NamesAClientOnlyIfItWasProven) {
  WatchTap tap;
  tap.see({.event = AuditEvent::token, .outcome = AuditOutcome::deny, .client = "shop"}, {});
  tap.see({.event = AuditEvent::token,
           .outcome = AuditOutcome::deny,
           .client = "shop",
           .scheme = "tls_client_auth"},
          {});
  const auto events = tap.take();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].client, "");
  EXPECT_EQ(events[1].client, "shop");
}

// What follows from an alert.

class WatchDeskTest : public WatchRulesTest {
 protected:
  class Lines final : public ChangeLog {
   public:
    Result<void> record(const AuditRecord& record) override {
      writer.append(text, record, WallTime{});
      return {};
    }
    AuditLineWriter writer{"gw"};
    std::string text;
  };
  WatchParts parts() {
    return {.log = lines_,
            .quarantine = [this](const Alert& alert) -> Result<void> {
              cut_off_.push_back(alert.client);
              if (fails_) return fail(ErrorKind::unavailable, "store.busy", "the store is busy");
              return {};
            },
            .notify = [this](const Alert& alert) { told_.push_back(alert_json(alert, "gw")); }};
  }
  WatchEvent honey() const {
    WatchEvent made = event();
    made.credential = "HONEY";
    return made;
  }

  testing::FakeClock clock_;
  testing::TemporaryFolder folder_;
  Lines lines_;
  std::vector<std::string> cut_off_;
  std::vector<std::string> told_;
  bool fails_ = false;
};

TEST_F(WatchDeskTest, AnAlertIsInTheAuditLogAndTold) {
  WatchDesk desk(options(), parts(), "", clock_);
  desk.consider({honey()});
  EXPECT_NE(lines_.text.find(R"("event":"alert")"), std::string::npos);
  EXPECT_NE(lines_.text.find(R"("rule":"honey_key")"), std::string::npos);
  EXPECT_TRUE(cut_off_.empty());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_NE(told_[0].find(R"("rule":"honey_key")"), std::string::npos);
  EXPECT_NE(told_[0].find(R"("client":"shop")"), std::string::npos);
}

TEST_F(WatchDeskTest, AQuarantineCutsTheClientOffAndSaysIfItCouldNot) {
  WatchOptions strict = options();
  strict.actions[static_cast<size_t>(WatchRule::honey_key)] = WatchAction::quarantine;
  WatchDesk desk(strict, parts(), "", clock_);
  desk.consider({honey()});
  EXPECT_EQ(cut_off_, std::vector<std::string>{"shop"});
  EXPECT_NE(lines_.text.find(R"("action":"quarantine")"), std::string::npos);
  fails_ = true;
  now_ += minutes(2);
  desk.consider({honey()});
  EXPECT_NE(lines_.text.find(R"("action":"quarantine_failed")"), std::string::npos);
}

TEST_F(WatchDeskTest, KeepsWhatItLearntInAFile) {
  const std::string state = folder_ / "seen";
  {
    WatchDesk desk(options(), parts(), state, clock_);
    for (int i = 0; i < 24; ++i, now_ += hours(1)) desk.consider({event()});
  }
  WatchDesk desk(options(), parts(), state, clock_);
  desk.consider({event("198.51.100.1")});
  EXPECT_NE(lines_.text.find("new_address"), std::string::npos);
}

// The webhook.

class AlertSenderTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  testing::TestExecutor executor_{clock_};
  testing::FakeClient webhook_{executor_};
  AlertSender sender_{
      {.target = "/hook", .bearer = Secret::copy_of("t0ken"), .queue_max = 2}, webhook_, executor_};
};

TEST_F(AlertSenderTest, TriesAgainUntilItIsTaken) {
  webhook_.fails_to_open("net.connect_failed");
  webhook_.then({.status = 500});
  webhook_.then({.status = 204});
  sender_.send("A1", R"({"rule":"honey_key"})");
  executor_.run();
  executor_.advance(milliseconds(999));
  EXPECT_EQ(webhook_.requests().size(), 0u);
  executor_.advance(milliseconds(1));
  EXPECT_EQ(webhook_.requests().size(), 1u);
  executor_.advance(milliseconds(2000));
  ASSERT_EQ(webhook_.requests().size(), 2u);
  EXPECT_EQ(sender_.counters().delivered, 1u);
  const auto& sent = webhook_.requests()[1];
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.target, "/hook");
  EXPECT_EQ(sent.value("Authorization"), "Bearer t0ken");
  EXPECT_EQ(sent.value("Idempotency-Key"), "A1");
  EXPECT_EQ(sent.body, R"({"rule":"honey_key"})");
}

TEST_F(AlertSenderTest, GivesUpAfterItsAttemptsAndGoesOnWithTheNext) {
  for (int i = 0; i < 10; ++i) webhook_.then({.status = 503});
  webhook_.then({.status = 200});
  sender_.send("A1", "{}");
  sender_.send("A2", "{}");
  executor_.run();
  executor_.advance(minutes(20));
  EXPECT_EQ(sender_.counters().given_up, 1u);
  EXPECT_EQ(sender_.counters().delivered, 1u);
  EXPECT_EQ(webhook_.requests().back().value("Idempotency-Key"), "A2");
}

TEST_F(AlertSenderTest, HoldsNoMoreThanItsQueue) {
  webhook_.then({.never = true});
  webhook_.otherwise([](const testing::FakeRequest&) { return testing::FakeAnswer{}; });
  for (int i = 0; i < 5; ++i) sender_.send("A", "{}");
  executor_.run();
  EXPECT_EQ(sender_.counters().given_up, 3u);
}

}  // namespace
}  // namespace countersign::provider
