#include "consumer/outcome.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "consumer/idempotency_key.h"
#include "support/fake_entropy.h"

namespace countersign::consumer {
namespace {

constexpr std::string_view decision = "01J9ZZZZZZZZZZZZZZZZZZZZZZ";

http::ResponseHead head(int status, std::string_view reason = "",
                        std::string_view decision_id = "") {
  http::ResponseHead made;
  made.status = status;
  if (!reason.empty()) made.fields.push_back({"Countersign-Reason", reason});
  if (!decision_id.empty()) made.fields.push_back({"Countersign-Decision-Id", decision_id});
  return made;
}

TEST(Outcome, AnAnswerToAWriteIsAnAnswerUnlessItComesFromInBetween) {
  for (const int status : {200, 201, 302, 400, 401, 404, 409, 422, 429, 500, 503})
    EXPECT_EQ(outcome_of(head(status), false, false), CallOutcome::answered) << status;
  for (const int status : {502, 504})
    EXPECT_EQ(outcome_of(head(status), false, false), CallOutcome::unknown) << status;
  EXPECT_EQ(outcome_of(head(502), /*is_safe=*/true, false), CallOutcome::answered);
}

TEST(Outcome, TheGatewaysReasonSaysWhetherAWriteMayHaveBeenProcessed) {
  EXPECT_EQ(outcome_of(head(502, "upstream_unavailable"), false, false), CallOutcome::answered);
  EXPECT_EQ(outcome_of(head(504, "upstream_timeout"), false, false), CallOutcome::unknown);
  EXPECT_EQ(outcome_of(head(500, "internal_error"), false, false), CallOutcome::unknown);
  EXPECT_EQ(outcome_of(head(502, "made_up"), false, false), CallOutcome::unknown);
}

TEST(Outcome, AfterAnAttemptThatMayHaveBeenProcessedOnlyAVerdictOnTheWriteSettlesIt) {
  for (const int status : {200, 201, 400, 404, 422})
    EXPECT_EQ(outcome_of(head(status), false, true), CallOutcome::answered) << status;
  for (const int status : {401, 403, 408, 409, 425, 429, 500, 502, 503, 504})
    EXPECT_EQ(outcome_of(head(status), false, true), CallOutcome::unknown) << status;
  EXPECT_EQ(outcome_of(head(404, "route_unknown"), false, true), CallOutcome::unknown)
      << "the gateway has refused the repeat, and knows nothing of the first";
}

TEST(Outcome, OnlyAKnownReasonWithADecisionProvesThatNothingWasForwarded) {
  EXPECT_TRUE(is_refused_before_forwarding(head(503, "overloaded", decision)));
  EXPECT_FALSE(is_refused_before_forwarding(head(503, "overloaded")));
  EXPECT_FALSE(is_refused_before_forwarding(head(503, "overloaded", "short")));
  EXPECT_FALSE(is_refused_before_forwarding(head(503, "", decision)));
  EXPECT_FALSE(is_refused_before_forwarding(head(503, "made_up", decision)));
  EXPECT_FALSE(is_refused_before_forwarding(head(504, "upstream_timeout", decision)));
}

TEST(IdempotencyKey, IsPrintableAndOfABoundedLength) {
  EXPECT_TRUE(is_idempotency_key("k"));
  EXPECT_TRUE(is_idempotency_key("two words"));
  EXPECT_TRUE(is_idempotency_key(std::string(255, 'k')));
  EXPECT_FALSE(is_idempotency_key(std::string(256, 'k')));
  EXPECT_FALSE(is_idempotency_key(""));
  EXPECT_FALSE(is_idempotency_key(" k"));
  EXPECT_FALSE(is_idempotency_key("k "));
  EXPECT_FALSE(is_idempotency_key("k\tk"));
  EXPECT_FALSE(is_idempotency_key("k\x7f"));
  EXPECT_FALSE(is_idempotency_key("schlüssel"));
}

TEST(IdempotencyKey, EachOneMadeIsUsableAndDiffers) {
  testing::FakeEntropy entropy;
  const std::string one = make_idempotency_key(entropy);
  EXPECT_TRUE(is_idempotency_key(one));
  EXPECT_EQ(one.size(), 35u);
  EXPECT_NE(one, make_idempotency_key(entropy));
}

}  // namespace
}  // namespace countersign::consumer
