#include "http/problem.h"

#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "core/json.h"

namespace countersign::http {
namespace {

TEST(Problem, IsAJsonDocument) {
  Problem problem{403,
                  "https://errors.example/scope",
                  "Not enough",
                  "say \"please\"\n",
                  {{"code", "gateway.scope_missing"}}};
  const auto json = parse_json(to_json(problem));
  ASSERT_TRUE(json);
  EXPECT_EQ(string_member(*json, "type"), "https://errors.example/scope");
  EXPECT_EQ(string_member(*json, "title"), "Not enough");
  EXPECT_EQ(integer_member(*json, "status"), 403);
  EXPECT_EQ(string_member(*json, "detail"), "say \"please\"\n");
  EXPECT_EQ(string_member(*json, "code"), "gateway.scope_missing");
}

TEST(Problem, HasDefaults) {
  EXPECT_EQ(to_json({.status = 404}), R"({"type":"about:blank","title":"Not Found","status":404})");
}

TEST(Problem, IsValidJsonWhateverItHolds) {
  Problem problem{
      400, "a\\b", "\x01", "\xff\xfe", {{"\"", "\x7f"}, {"status", "200"}, {"type", "x"}}};
  const auto json = parse_json(to_json(problem));
  ASSERT_TRUE(json) << to_json(problem);
  EXPECT_EQ(integer_member(*json, "status"), 400) << "standard members cannot be replaced";
}

TEST(Problem, OfAnErrorHoldsNoPrivateDetail) {
  const Problem problem = problem_of(
      make_error(ErrorKind::conflict, "journal.key_reused", "the key was used before", "row 17"));
  EXPECT_EQ(problem.status, 409);
  const std::string text = to_json(problem);
  EXPECT_NE(text.find("journal.key_reused"), std::string::npos);
  EXPECT_NE(text.find("the key was used before"), std::string::npos);
  EXPECT_EQ(text.find("row 17"), std::string::npos);
}

TEST(Problem, HasAStatusForEveryKindOfError) {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); ++kind) {
    const int status = status_of(static_cast<ErrorKind>(kind));
    EXPECT_GE(status, 400) << kind;
    EXPECT_NE(reason_phrase(status), "Unknown") << kind;
  }
}

// Keeps what is answered.
class RecordingExchange final : public Exchange {
 public:
  const RequestHead& request() const override { return request_; }
  const PeerInfo& peer() const override { return peer_; }
  WallTime now() const override { return from_unix_seconds(784111777); }
  Task<Result<std::string_view>> read_body() override { co_return std::string_view(); }
  HeadWriter& begin_response(int status, BodyFraming framing) override {
    writer_.emplace(sent);
    writer_->status_line(status);
    writer_->framing(framing, false);
    return *writer_;
  }
  Task<Result<void>> send(std::string_view piece, bool) override {
    CS_CO_CHECK(writer_->finish());
    sent += piece;
    co_return Result<void>();
  }
  bool response_started() const override { return !sent.empty(); }
  void close_after_response() override {}
  void abort() override {}

  std::string sent;

 private:
  RequestHead request_;
  PeerInfo peer_;
  std::optional<HeadWriter> writer_;
};

TEST(RespondProblem, AnswersWithTheDocumentAndIsNotCached) {
  RecordingExchange exchange;
  Task<Result<void>> task = respond_problem(
      exchange, {.status = 401}, {{"WWW-Authenticate", "Bearer error=\"invalid_token\""}});
  task.start();
  ASSERT_TRUE(task.done());
  ASSERT_TRUE(task.take_result());
  EXPECT_TRUE(exchange.sent.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
  for (const std::string_view line :
       {"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "Content-Type: application/problem+json\r\n",
        "Cache-Control: no-store\r\n", "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
        "\r\n\r\n{\"type\":\"about:blank\""}) {
    EXPECT_NE(exchange.sent.find(line), std::string::npos) << line << exchange.sent;
  }
}

}  // namespace
}  // namespace countersign::http
