#include "consumer/call_progress.h"

#include <gtest/gtest.h>

#include "consumer/egress/egress_test_fixture.h"
#include "support/fake_entropy.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;
using http::SendState;

// An exchange that has ended, as far as it is asked how.
class EndedExchange final : public http::ClientExchange {
 public:
  explicit EndedExchange(SendState state, bool reused = false) : state_(state), reused_(reused) {}
  SendState send_state() const override { return state_; }
  bool reused_connection() const override { return reused_; }

  http::HeadWriter& begin_request(std::string_view, std::string_view, http::BodyFraming) override {
    panic("it has ended");
  }
  Task<Result<void>> send(std::string_view, bool) override { panic("it has ended"); }
  bool sending_stopped() const override { panic("it has ended"); }
  Task<Result<const http::ResponseHead*>> read_head() override { panic("it has ended"); }
  Task<Result<std::string_view>> read_body() override { panic("it has ended"); }
  bool body_buffered() override { panic("it has ended"); }
  void set_deadline(BootTime) override { panic("it has ended"); }
  const http::PeerInfo& peer() const override { panic("it has ended"); }

 private:
  SendState state_;
  bool reused_;
};

const Error lost_connection = make_error(ErrorKind::unavailable, "http.upstream_lost", "lost");
const Error timeout = make_error(ErrorKind::timed_out, "http.upstream_timeout", "late");

constexpr CallFacts read_call{.is_safe = true, .has_key = false, .deadline = BootTime(60s)};
constexpr CallFacts write_call{.is_safe = false, .has_key = false, .deadline = BootTime(60s)};
constexpr CallFacts keyed_write{.is_safe = false, .has_key = true, .deadline = BootTime(60s)};

class CallProgressTest : public ::testing::Test {
 protected:
  CallProgressTest() { scheme_.replaces = true; }

  CallProgress& begin(const CallFacts& facts, CallRule rule = {}) {
    rule_ = std::move(rule);
    progress_.emplace(rule_, &policy_, facts);
    progress_->begin_attempt();
    return *progress_;
  }
  bool failed(SendState state, bool reused = false, bool can_rewind = true) {
    return progress_->may_repeat_failed(lost_connection, EndedExchange(state, reused), can_rewind,
                                        now_.boot);
  }
  bool answered(int status, std::vector<http::Field> fields = {}, bool can_rewind = true) {
    head_ = {};
    head_.status = status;
    for (const http::Field& field : fields) head_.fields.push_back(field);
    return progress_->may_repeat_answered(head_, scheme_, scheme_.generation, can_rewind, now_);
  }
  // Of a gateway that says that it has not forwarded the request.
  static std::vector<http::Field> refusal() {
    return {{"Countersign-Reason", "rate_limited"},
            {"Countersign-Decision-Id", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}};
  }

  testing::FakeClock clock_;
  testing::TestExecutor loop_{clock_};
  testing::FakeEntropy entropy_;
  CallPolicy policy_{{}, entropy_};
  FakeScheme scheme_{loop_};
  Instant now_{BootTime(10s), WallTime(1'700'000'000s)};
  CallRule rule_;
  http::ResponseHead head_;
  std::optional<CallProgress> progress_;
};

TEST_F(CallProgressTest, BeforeTheFirstAttemptNothingWasSentAndFromItOnNothingIsKnown) {
  CallProgress progress(rule_, &policy_, write_call);
  EXPECT_EQ(progress.outcome(), CallOutcome::not_sent);
  EXPECT_EQ(progress.attempts(), 0);
  progress.begin_attempt();
  EXPECT_EQ(progress.outcome(), CallOutcome::unknown);
  EXPECT_EQ(progress.attempts(), 1);
}

TEST_F(CallProgressTest, AnAnswerThatRefusesNothingIsNotRepeated) {
  begin(read_call, {.retries_max = 5, .retry_statuses = {200, 399}});
  EXPECT_FALSE(answered(200));
  EXPECT_FALSE(answered(399));
  EXPECT_TRUE(scheme_.refusals.empty());
}

TEST_F(CallProgressTest, ARefusedCredentialIsReplacedOnceACallAndAtOnce) {
  CallProgress& progress = begin(write_call);
  EXPECT_TRUE(answered(401));
  EXPECT_EQ(progress.resume_at(), now_.boot);
  EXPECT_EQ(progress.outcome(), CallOutcome::not_sent) << "the gateway had not forwarded it";
  progress.begin_attempt();
  EXPECT_FALSE(answered(401));
  EXPECT_EQ(scheme_.refusals, (std::vector<uint64_t>{1, 2})) << "the scheme hears of both";
}

TEST_F(CallProgressTest, ARefusalThatAnotherCredentialDoesNotHelpAgainstIsPassedOn) {
  begin(write_call);
  EXPECT_FALSE(answered(403));
  EXPECT_EQ(scheme_.refusals.size(), 1u);
  scheme_.replaces = false;
  EXPECT_FALSE(answered(401));
  EXPECT_EQ(scheme_.refusals.size(), 2u);
}

TEST_F(CallProgressTest, ACallThatCannotBeSentOnceMoreStillSpendsTheCredential) {
  begin(write_call);
  EXPECT_FALSE(answered(401, {}, /*can_rewind=*/false));
  EXPECT_EQ(scheme_.refusals, std::vector<uint64_t>{1});
}

TEST_F(CallProgressTest, ARefusedCredentialDoesNotUndoAnAttemptThatMayHaveBeenProcessed) {
  CallProgress& progress = begin(keyed_write, {.idempotency_key_honoured = true});
  EXPECT_TRUE(failed(SendState::unknown, /*reused=*/true));
  progress.begin_attempt();
  EXPECT_TRUE(answered(401));
  EXPECT_EQ(progress.outcome(), CallOutcome::unknown);
  EXPECT_EQ(progress.outcome_unanswered(/*sent=*/false), CallOutcome::unknown);
}

TEST_F(CallProgressTest, WhatWasNotSentIsSentOnceMoreOnANewConnectionAtOnce) {
  CallProgress& progress = begin(write_call);
  EXPECT_FALSE(progress.wants_fresh_connection());
  EXPECT_TRUE(failed(SendState::not_sent, /*reused=*/true));
  EXPECT_TRUE(progress.wants_fresh_connection());
  EXPECT_EQ(progress.resume_at(), now_.boot);
  EXPECT_EQ(progress.outcome(), CallOutcome::not_sent);
  progress.begin_attempt();
  EXPECT_FALSE(failed(SendState::not_sent, /*reused=*/true)) << "once";
}

TEST_F(CallProgressTest, ANewConnectionThatFailsIsNotRepeatedUnlessTheRuleSaysSo) {
  begin(write_call);
  EXPECT_FALSE(failed(SendState::not_sent));
  begin(write_call, {.retries_max = 1});
  EXPECT_TRUE(failed(SendState::not_sent));
  EXPECT_FALSE(failed(SendState::not_sent));
}

TEST_F(CallProgressTest, WhatMayHaveBeenProcessedIsRepeatedOnlyWhereASecondTimeDoesNothing) {
  const CallRule honoured{.idempotency_key_honoured = true};
  begin(read_call);
  EXPECT_TRUE(failed(SendState::unknown, true));
  begin(write_call, honoured);
  EXPECT_FALSE(failed(SendState::unknown, true)) << "no key";
  begin(keyed_write);
  EXPECT_FALSE(failed(SendState::unknown, true)) << "a key that means nothing to the provider";
  begin(keyed_write, honoured);
  EXPECT_TRUE(failed(SendState::unknown, true));
  begin(write_call, honoured).note_key();
  EXPECT_TRUE(failed(SendState::unknown, true));
  begin(keyed_write, honoured);
  EXPECT_FALSE(failed(SendState::answered, true)) << "half an answer";
  EXPECT_FALSE(failed(SendState::unknown, true, /*can_rewind=*/false));
}

TEST_F(CallProgressTest, WhatTookTooLongIsNotRepeated) {
  CallProgress& progress = begin(read_call, {.retries_max = 5});
  EXPECT_FALSE(progress.may_repeat_failed(timeout, EndedExchange(SendState::not_sent, true), true,
                                          now_.boot));
  EXPECT_FALSE(progress.may_repeat_unopened(timeout, now_.boot));
  EXPECT_FALSE(progress.may_repeat_unopened(
      make_error(ErrorKind::misconfigured, "net.tls_failed", "x"), now_.boot));
  EXPECT_TRUE(progress.may_repeat_unopened(lost_connection, now_.boot));
}

TEST_F(CallProgressTest, RepeatsByTheRulePauseAndEndWithItsNumber) {
  CallProgress& progress = begin(read_call, {.retries_max = 2, .backoff_first = 100ms});
  EXPECT_TRUE(progress.may_repeat_unopened(lost_connection, now_.boot));
  EXPECT_GE(progress.resume_at(), now_.boot + 50ms);
  EXPECT_LE(progress.resume_at(), now_.boot + 100ms);
  EXPECT_TRUE(answered(503));
  EXPECT_GE(progress.resume_at(), now_.boot + 100ms);
  EXPECT_LE(progress.resume_at(), now_.boot + 200ms);
  EXPECT_FALSE(answered(503));
  EXPECT_FALSE(progress.may_repeat_unopened(lost_connection, now_.boot));
}

TEST_F(CallProgressTest, ARepeatThatWouldBeginAtTheDeadlineIsNotMade) {
  CallFacts facts = read_call;
  const CallRule rule{.retries_max = 9, .backoff_first = 100ms, .backoff_max = 100ms};
  facts.deadline = now_.boot + 50ms;  // the shortest pause
  begin(facts, rule);
  EXPECT_FALSE(answered(503));
  facts.deadline = now_.boot + 101ms;
  begin(facts, rule);
  EXPECT_TRUE(answered(503));
  facts.deadline = now_.boot;
  begin(facts);
  EXPECT_FALSE(failed(SendState::not_sent, /*reused=*/true));
  facts.deadline = now_.boot + 1ns;
  begin(facts);
  EXPECT_TRUE(failed(SendState::not_sent, /*reused=*/true));
}

TEST_F(CallProgressTest, TheBudgetEndsRepeatsByTheRule) {
  CallPolicy spent({.budget = {.percent = 0, .burst = 1}}, entropy_);
  rule_ = {.retries_max = 9};
  progress_.emplace(rule_, &spent, read_call);
  EXPECT_TRUE(answered(503));
  EXPECT_FALSE(answered(503));
}

TEST_F(CallProgressTest, WithoutAPolicyNothingIsRepeatedByTheRule) {
  rule_ = {.retries_max = 9};
  progress_.emplace(rule_, nullptr, read_call);
  EXPECT_FALSE(answered(503));
  EXPECT_FALSE(progress_->may_repeat_unopened(lost_connection, now_.boot));
  EXPECT_TRUE(failed(SendState::not_sent, /*reused=*/true));
}

TEST_F(CallProgressTest, OnlyStatusesOfTheRuleAreRepeated) {
  begin(read_call, {.retries_max = 9, .retry_statuses = {503}});
  EXPECT_FALSE(answered(500));
  EXPECT_FALSE(answered(502));
  EXPECT_TRUE(answered(503));
  EXPECT_FALSE(answered(503, {}, /*can_rewind=*/false));
}

TEST_F(CallProgressTest, AnAnsweredWriteIsRepeatedOnlyIfItWasRefusedOrHasAKey) {
  CallRule rule{.retries_max = 9};
  begin(write_call, rule);
  EXPECT_FALSE(answered(503));
  EXPECT_TRUE(answered(503, refusal()));
  EXPECT_EQ(progress_->outcome(), CallOutcome::not_sent);
  EXPECT_FALSE(answered(503, {refusal()[0]})) << "a reason without a decision proves nothing";
  rule.idempotency_key_honoured = true;
  begin(keyed_write, rule);
  EXPECT_TRUE(answered(429));
  EXPECT_EQ(progress_->outcome(), CallOutcome::not_sent);
  EXPECT_TRUE(answered(503));
  EXPECT_EQ(progress_->outcome(), CallOutcome::unknown);
  EXPECT_TRUE(answered(503, refusal()));
  EXPECT_EQ(progress_->outcome(), CallOutcome::unknown) << "the attempt before is not forgotten";
}

TEST_F(CallProgressTest, APauseThatTheProviderAsksForIsKeptOrTheCallEnds) {
  CallRule rule{.retries_max = 9, .retry_after_max = 5s};
  CallProgress& progress = begin(read_call, rule);
  EXPECT_TRUE(answered(503, {{"Retry-After", "5"}}));
  EXPECT_EQ(progress.resume_at(), now_.boot + 5s);
  EXPECT_FALSE(answered(503, {{"Retry-After", "6"}}));
  EXPECT_TRUE(answered(503, {{"Retry-After", "soon"}})) << "says nothing";
}

TEST_F(CallProgressTest, TheJournalsEarlierAttemptCounts) {
  CallProgress& progress = begin(keyed_write);
  EXPECT_EQ(progress.outcome_unanswered(/*sent=*/false), CallOutcome::not_sent);
  EXPECT_EQ(progress.outcome_unanswered(/*sent=*/true), CallOutcome::unknown);
  progress.note_earlier_attempt();
  EXPECT_EQ(progress.outcome_unanswered(/*sent=*/false), CallOutcome::unknown);
  head_ = {};
  head_.status = 409;
  progress.answered(head_);
  EXPECT_EQ(progress.outcome(), CallOutcome::unknown);
  progress.ended(CallOutcome::not_sent);
  EXPECT_EQ(progress.outcome(), CallOutcome::not_sent);
}

}  // namespace
}  // namespace countersign::consumer
