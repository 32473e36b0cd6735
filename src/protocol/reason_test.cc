#include "protocol/reason.h"

#include <set>

#include <gtest/gtest.h>

#include "protocol/refusal.h"

namespace countersign::protocol {
namespace {

TEST(Reason, HasAUniqueCodeOfLowerCaseWords) {
  std::set<std::string_view> codes;
  for (const ReasonRow& row : all_reasons()) {
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_EQ(row.code.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos);
    EXPECT_EQ(parse_reason(row.code), row.reason);
    EXPECT_EQ(&row_of(row.reason), &row);
  }
  EXPECT_EQ(parse_reason(""), std::nullopt);
  EXPECT_EQ(parse_reason("TOKEN_EXPIRED"), std::nullopt);
  EXPECT_EQ(parse_reason("made_up"), std::nullopt);
}

TEST(Reason, TellsEveryCallerWhatHappenedAndWhatToDo) {
  for (const ReasonRow& row : all_reasons()) {
    EXPECT_TRUE(row.title.ends_with('.')) << row.code;
    EXPECT_TRUE(row.advice.ends_with('.')) << row.code;
    EXPECT_GE(row.status, 400) << row.code;
    EXPECT_LE(row.status, 504) << row.code;
  }
}

// RFC 6750 §3.1
TEST(Reason, PairsBearerErrorsWithTheirStatus) {
  for (const ReasonRow& row : all_reasons()) {
    switch (row.bearer_error) {
      case BearerError::invalid_token:
        EXPECT_EQ(row.status, 401) << row.code;
        break;
      case BearerError::insufficient_scope:
        EXPECT_EQ(row.status, 403) << row.code;
        break;
      case BearerError::invalid_request:
        EXPECT_EQ(row.status, 400) << row.code;
        break;
      case BearerError::none:
        break;
    }
  }
  EXPECT_EQ(row_of(Reason::credential_missing).bearer_error, BearerError::none);
  EXPECT_EQ(name_of(BearerError::invalid_token), "invalid_token");
  EXPECT_EQ(name_of(BearerError::none), "");
}

TEST(Reason, SaysOfEveryRefusalThatTheApiNeverSawTheRequest) {
  for (const ReasonRow& row : all_reasons()) {
    if (row.status < 500) {
      EXPECT_EQ(row.forwarded, Forwarded::no) << row.code;
    }
  }
  EXPECT_EQ(row_of(Reason::upstream_timeout).forwarded, Forwarded::maybe);
  EXPECT_EQ(row_of(Reason::outcome_unknown).forwarded, Forwarded::maybe);
}

TEST(Refusal, CarriesTheReasonIntoAProblemDocument) {
  const Refusal refusal = refusal_of(Reason::token_revoked, "01J", "gateway");
  EXPECT_EQ(refusal.type(), "urn:countersign:reason:token_revoked");
  EXPECT_EQ(refusal.status, 401);
  const auto members = refusal.members();
  ASSERT_EQ(members.size(), 4u);
  EXPECT_EQ(members[0], (std::pair<std::string, std::string>("reason", "token_revoked")));
  EXPECT_EQ(members[2], (std::pair<std::string, std::string>("decision_id", "01J")));
  EXPECT_EQ(refusal_of(Reason::token_revoked, "", "gateway").members().size(), 3u);
}

TEST(Refusal, ReadsAnotherPartysDocument) {
  const auto refusal = parse_refusal(
      R"({"type":"x","title":"No.","status":401,"reason":"token_revoked","advice":"Ask.",)"
      R"("decision_id":"01J","source":"gateway","more":1})");
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, "token_revoked");
  EXPECT_EQ(refusal->status, 401);
  EXPECT_EQ(refusal->title, "No.");
  EXPECT_EQ(refusal->advice, "Ask.");
  EXPECT_EQ(refusal->decision_id, "01J");
  EXPECT_EQ(refusal->source, "gateway");
}

TEST(Refusal, KeepsReasonsThatThisProgramDoesNotKnow) {
  EXPECT_EQ(parse_refusal(R"({"reason":"from_the_future"})")->reason, "from_the_future");
}

TEST(Refusal, NeedsAReasonOfTheFormOfACode) {
  for (const char* body :
       {"", "[]", "{}", "null", R"({"reason":1})", R"({"reason":""})", R"({"reason":"A b"})",
        R"({"reason":"a\n"})", R"({"reason":"a","reason":"b"})"}) {
    EXPECT_EQ(parse_refusal(body).error().code, "refusal.malformed") << body;
  }
  EXPECT_FALSE(parse_refusal(R"({"reason":")" + std::string(65, 'a') + "\"}").has_value());
  EXPECT_TRUE(parse_refusal(R"({"reason":")" + std::string(64, 'a') + "\"}").has_value());
}

TEST(Refusal, MakesForeignTextsHarmless) {
  const auto refusal = parse_refusal(R"({"reason":"a","title":"x\r\ny\u0000z","advice":7,)"
                                     R"("status":"401","decision_id":null})");
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->title, "x  y z");
  EXPECT_EQ(refusal->advice, "");
  EXPECT_EQ(refusal->status, 0);
  EXPECT_EQ(refusal->decision_id, "");
}

TEST(Refusal, CutsLongTextsAtAWholeCharacter) {
  const std::string title = std::string(511, 'a') + "\xc3\xa9" + "tail";
  const auto refusal = parse_refusal(R"({"reason":"a","title":")" + title + "\"}");
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->title, std::string(511, 'a'));
}

TEST(Refusal, IgnoresStatusesThatAreNoRefusal) {
  EXPECT_EQ(parse_refusal(R"({"reason":"a","status":200})")->status, 0);
  EXPECT_EQ(parse_refusal(R"({"reason":"a","status":400})")->status, 400);
  EXPECT_EQ(parse_refusal(R"({"reason":"a","status":599})")->status, 599);
  EXPECT_EQ(parse_refusal(R"({"reason":"a","status":600})")->status, 0);
}

}  // namespace
}  // namespace countersign::protocol
