#include "provider/audit/audit_query.h"

#include "protocol/decision_id.h"
#include "protocol/reason.h"
#include "provider/audit/audit_explain.h"
#include "provider/audit/audit_file_fixture.h"
#include "support/fake_entropy.h"

namespace countersign::provider {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class AuditQueryTest : public AuditFileTest {
 protected:
  // A decision of now, recorded `late` after it was made.
  std::string decide(AuditRecord record, milliseconds late = milliseconds(0)) {
    const std::string id = ids_.next(clock_.wall_now()).to_string();
    record.decision_id = id;
    std::string line;
    writer_.append(line, record, clock_.wall_now() + late);
    EXPECT_EQ(file_->append(line), 0);
    clock_.advance(milliseconds(3));
    return id;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const AuditFileName& name : list_audit_files(path())) all.push_back(name.path);
    return all;
  }
  AuditFileOptions small() const {
    AuditFileOptions made = options();
    made.rotate_bytes = 200'000;
    return made;
  }

  testing::FakeEntropy entropy_;
  protocol::DecisionIds ids_{entropy_};
  std::unique_ptr<AuditFile> file_ = open(small());
};

TEST_F(AuditQueryTest, FindsEachDecisionOverManyFilesByItsTime) {
  std::vector<std::string> decisions;
  for (int i = 0; i < 2000; ++i) {
    decisions.push_back(
        decide({.outcome = AuditOutcome::deny, .client = "shop"}, milliseconds(i % 5 * 40)));
    if (i % 400 == 0) clock_.advance(hours(7));
  }
  ASSERT_GT(files().size(), 2u);
  for (size_t i = 0; i < decisions.size(); i += 37) {
    const auto found = find_decision(files(), decisions[i]);
    ASSERT_TRUE(found && *found) << i;
    EXPECT_EQ((*found)->decision, decisions[i]);
    EXPECT_EQ((*found)->client, "shop");
  }
  const auto other = find_decision(files(), "01M86SMQ2HVCR30PSS2G8D4Z8E");
  EXPECT_TRUE(other && !*other);
  const auto none = find_decision(files(), "not an id");
  EXPECT_TRUE(none && !*none);
}

TEST_F(AuditQueryTest, ReadsABoundedPartOnly) {
  const std::string id = decide({.outcome = AuditOutcome::deny}, seconds(1));
  const auto found = find_decision(files(), id, {.window_bytes_max = 100});
  EXPECT_TRUE(found && !*found);  // it stands behind the first 100 bytes
  const auto all = search_decision(files(), id);
  EXPECT_TRUE(all && *all);
}

TEST_F(AuditQueryTest, TheLastLineAboutADecisionIsTheOneThatIsTold) {
  const std::string id = ids_.next(clock_.wall_now()).to_string();
  std::string text;
  writer_.append(text, {.event = AuditEvent::request_open, .decision_id = id}, clock_.wall_now());
  writer_.append(text, {.decision_id = id, .status = 201}, clock_.wall_now() + seconds(1));
  EXPECT_EQ(file_->append(text), 0);
  const auto found = find_decision(files(), id);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->status, 201);
}

TEST_F(AuditQueryTest, FiltersByClientTimeOutcomeEventAndReason) {
  decide({.outcome = AuditOutcome::deny, .reason = "key_revoked", .client = "shop"});
  clock_.advance(hours(1));
  const WallTime later = clock_.wall_now();
  decide({.outcome = AuditOutcome::allow, .client = "shop"});
  decide({.event = AuditEvent::token, .outcome = AuditOutcome::deny, .client = "pay"});
  const auto count = [&](const AuditFilter& filter) {
    return for_each_entry(files(), filter, [](const AuditEntry&, std::string_view) {}).value();
  };
  EXPECT_EQ(count({.client = "shop"}), 2u);
  EXPECT_EQ(count({.client = "shop", .outcome = "deny"}), 1u);
  EXPECT_EQ(count({.outcome = "deny"}), 2u);
  EXPECT_EQ(count({.event = "token"}), 1u);
  EXPECT_EQ(count({.reason = "key_revoked"}), 1u);
  EXPECT_EQ(count({.client = "shop", .from = later}), 1u);  // at that time counts
  EXPECT_EQ(count({.client = "shop", .until = later}), 1u);
  EXPECT_EQ(count({.client = "nobody"}), 0u);
}

TEST_F(AuditQueryTest, TheLastLinesAreTheNewestOldestFirst) {
  std::vector<std::string> decisions;
  for (int i = 0; i < 10; ++i) decisions.push_back(decide({.outcome = AuditOutcome::deny}));
  const auto lines = last_lines(path(), 3);
  ASSERT_TRUE(lines);
  ASSERT_EQ(lines->size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(parse_audit_entry((*lines)[i])->decision, decisions[7 + i]);
  }
}

TEST(AuditTime, ReadsWhatLinesHaveAndLess) {
  const auto exact = parse_audit_time("2026-01-31T12:00:01.000002Z");
  ASSERT_TRUE(exact);
  EXPECT_EQ(AuditLineWriter("").time_text(*exact), "2026-01-31T12:00:01.000002Z");
  EXPECT_EQ(parse_audit_time("2026-01-31T12:00:01Z"), *exact - std::chrono::microseconds(2));
  EXPECT_EQ(parse_audit_time("2026-01-31T12:00:01.5Z"), *exact + std::chrono::microseconds(499998));
  EXPECT_EQ(parse_audit_time("2026-01-31T12:00Z"), parse_audit_time("2026-01-31T12:00:00Z"));
  EXPECT_EQ(parse_audit_time("2026-01-31"), parse_audit_time("2026-01-31T00:00:00Z"));
  for (const char* bad : {"", "2026", "2026-02-30", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
                          "2026-01-31T12:00:00", "2026-01-31T12:00:00.Z", "2026-01-31 12:00:00Z",
                          "2026-01-31T12:00:00.0000001Z", "2026-1-31", "x026-01-31",
                          "2026-01-31T12:00:-1Z", "2026-01-31T12-00-00Z"}) {
    EXPECT_FALSE(parse_audit_time(bad)) << bad;
  }
}

TEST(AuditEntry, IsNothingThatIsNotALine) {
  for (const char* bad : {"", "{}", "[]", "{\"time\":1}", "{\"event\":\"request\"", "null"}) {
    const auto entry = parse_audit_entry(bad);
    ASSERT_FALSE(entry) << bad;
    EXPECT_EQ(entry.error().code, "audit.not_a_line");
  }
}

// Explanations.

AuditEntry refusal(std::string_view reason) {
  AuditEntry entry;
  entry.event = "request";
  entry.outcome = "deny";
  entry.decision = "D1";
  entry.reason = reason;
  entry.client = "shop";
  entry.scheme = "api_key";
  entry.method = "GET";
  entry.path = "/v1/payments";
  entry.remote = "192.0.2.7";
  entry.detail = "192.0.2.7";
  return entry;
}

TEST(AuditExplanation, SaysWhatCameWhichCheckRefusedAndWhatToDo) {
  const Explanation told = explain(refusal("network_not_allowed"));
  EXPECT_EQ(told.summary,
            "shop from 192.0.2.7 sent GET /v1/payments, and was refused: The client may not call "
            "from this network.");
  EXPECT_EQ(told.check, "certificate and network binding");
  EXPECT_NE(told.what_to_do.find("revoke it"), std::string::npos);
  EXPECT_NE(std::ranges::find(told.facts, "what exactly did not hold: 192.0.2.7"),
            told.facts.end());
}

TEST(AuditExplanation, EveryReasonHasACheckAndAdvice) {
  for (const protocol::ReasonRow& row : protocol::all_reasons()) {
    const Explanation told = explain(refusal(row.code));
    EXPECT_FALSE(told.check.empty()) << row.code;
    EXPECT_FALSE(told.what_to_do.empty()) << row.code;
  }
  EXPECT_NE(explain(refusal("of_a_newer_version")).summary.find("of_a_newer_version"),
            std::string::npos);
}

TEST(AuditExplanation, TellsAllowedOpenAndFailedRequestsApart) {
  AuditEntry entry = refusal("");
  entry.outcome = "allow";
  EXPECT_TRUE(explain(entry).summary.ends_with("was let pass."));
  entry.reason = "upstream_timeout";
  EXPECT_NE(explain(entry).summary.find("but"), std::string::npos);
  entry.event = "request_open";
  EXPECT_NE(explain(entry).what_to_do.find("payment API"), std::string::npos);
  entry = refusal("");
  entry.event = "token";
  entry.outcome = "allow";
  EXPECT_TRUE(explain(entry).summary.ends_with("asked for a token, and was granted it."));
}

TEST(AuditExplanation, TheConsumersSideHasNoDetail) {
  const std::string side = consumer_side(refusal("network_not_allowed"));
  EXPECT_EQ(side.find("detail"), std::string::npos);
  EXPECT_NE(side.find(R"("your_address":"192.0.2.7")"), std::string::npos);
  EXPECT_NE(side.find(R"("advice":)"), std::string::npos);
}

TEST(AuditExplanation, ADecisionBelongsToTheClientThatWasProven) {
  EXPECT_TRUE(belongs_to(refusal("scope_insufficient"), "shop"));
  EXPECT_FALSE(belongs_to(refusal("scope_insufficient"), "pay"));
  EXPECT_FALSE(belongs_to(refusal("scope_insufficient"), ""));
  AuditEntry claimed = refusal("credential_unknown");
  claimed.scheme = "";
  EXPECT_FALSE(belongs_to(claimed, "shop"));
  AuditEntry change = refusal("");
  change.event = "change";
  EXPECT_FALSE(belongs_to(change, "shop"));
}

}  // namespace
}  // namespace countersign::provider
