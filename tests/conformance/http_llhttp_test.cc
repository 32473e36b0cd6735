// llhttp's cases against our codec. What llhttp refuses we refuse, what only its lenient modes take
// we refuse, and what it takes we take with the same bodies; each deviation stands in a table with
// its reason.

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "http/h1_codec.h"
#include "http_llhttp_deviations.h"
#include "http_llhttp_reader.h"

namespace countersign::testing {
namespace {

using http::BodyFraming;
using http::ParseState;

// What a connection that brings these bytes comes to.
struct Outcome {
  std::string
      refusal;  // empty: not refused; "closed" for bytes behind a message that ends the connection
  size_t messages = 0;  // complete ones
  size_t body_bytes = 0;
  size_t refused_at = 0;  // where the refused message begins
  bool operator==(const Outcome&) const = default;
};

// Takes one body off the front of `rest`. True if it is complete.
bool take_body(const BodyFraming& framing, std::string_view& rest, Outcome& outcome) {
  switch (framing.kind) {
    case BodyFraming::Kind::none:
      return true;
    case BodyFraming::Kind::until_close:
      outcome.body_bytes += rest.size();
      rest = {};
      return false;
    case BodyFraming::Kind::length: {
      const size_t bytes = std::min<size_t>(framing.length, rest.size());
      outcome.body_bytes += bytes;
      rest.remove_prefix(bytes);
      return bytes == framing.length;
    }
    case BodyFraming::Kind::chunked:
      break;
  }
  http::ChunkedDecoder decoder;
  for (;;) {
    const auto step = decoder.next(rest);
    rest.remove_prefix(step.consumed);
    outcome.body_bytes += step.data.size();
    if (step.state == http::ChunkedDecoder::State::refused) outcome.refusal = step.code;
    if (step.state != http::ChunkedDecoder::State::data)
      return step.state == http::ChunkedDecoder::State::end;
  }
}

template <typename Head, typename Parse>
Outcome run(std::string_view input, Head head, const Parse& parse) {
  Outcome outcome;
  bool open = true;
  for (std::string_view rest = input; !rest.empty();) {
    if (rest == "\r\n" || rest == "\r") return outcome;  // may precede a next request
    outcome.refused_at = input.size() - rest.size();
    if (!open) {
      outcome.refusal = "closed";
      return outcome;
    }
    const http::ParseResult result = parse(rest, head);
    if (result.state == ParseState::refused) outcome.refusal = result.code;
    if (result.state != ParseState::complete) return outcome;
    rest.remove_prefix(result.consumed);
    if (!take_body(head.framing, rest, outcome)) return outcome;
    ++outcome.messages;
    open = head.keep_alive;
  }
  return outcome;
}

Outcome run_case(const LlhttpCase& test, std::string_view input) {
  const http::HeadLimits limits;
  if (test.is_request()) {
    return run(input, http::RequestHead(), [&](std::string_view rest, http::RequestHead& head) {
      return http::parse_request_head(rest, limits, head);
    });
  }
  return run(input, http::ResponseHead(), [&](std::string_view rest, http::ResponseHead& head) {
    return http::parse_response_head(rest, test.skip_body ? "HEAD" : "GET", limits, head);
  });
}

// llhttp neither asks for Host nor minds a fragment, so that nearly no case has the one and many
// have the other. Where that is all that is wrong it is mended, so that the case shows what it is
// about.
std::string mended(const LlhttpCase& test) {
  std::string input = test.input;
  for (;;) {
    const Outcome outcome = run_case(test, input);
    const size_t line = input.find("\r\n", outcome.refused_at + 2);
    const std::string first = input.substr(outcome.refused_at, line - outcome.refused_at);
    const size_t fragment = first.find('#');
    if (outcome.refusal == "http.missing_host") {
      std::string host = "a.example";
      if (const size_t scheme = first.find("://"); scheme != std::string::npos) {
        host = first.substr(scheme + 3, first.find_first_of("/? ", scheme + 3) - scheme - 3);
      }
      input.insert(line + 2, "Host: " + host + "\r\n");
    } else if (outcome.refusal == "http.bad_target" && fragment != std::string::npos &&
               !test.id.starts_with("request/uri.md")) {
      input.erase(outcome.refused_at + fragment, first.find(' ', fragment) - fragment);
    } else {
      return input;
    }
  }
}

// However the bytes arrive: what is refused stays refused, and nothing is refused that the whole is
// not.
void check_arrivals(const LlhttpCase& test, const std::string& input, const Outcome& whole) {
  for (size_t arrived = 0; arrived < input.size(); ++arrived) {
    const Outcome part = run_case(test, std::string_view(input).substr(0, arrived));
    if (part.refusal.empty()) continue;
    EXPECT_EQ(part.refusal, whole.refusal) << test.id << " at " << arrived;
    return;
  }
}

constexpr const char* files[] = {
    "request/connection.md",
    "request/content-length.md",
    "request/finish.md",
    "request/invalid.md",
    "request/lenient-header-value-relaxed.md",
    "request/lenient-headers.md",
    "request/lenient-version.md",
    "request/method.md",
    "request/pausing.md",
    "request/pipelining.md",
    "request/sample.md",
    "request/transfer-encoding.md",
    "request/uri.md",
    "response/connection.md",
    "response/content-length.md",
    "response/finish.md",
    "response/invalid.md",
    "response/lenient-version.md",
    "response/pausing.md",
    "response/pipelining.md",
    "response/sample.md",
    "response/transfer-encoding.md",
};

std::filesystem::path vectors() {
  return std::filesystem::path(COUNTERSIGN_SOURCE_DIR) / ".." / "shared" / "vectors" / "llhttp" /
         "test";
}

class LlhttpConformance : public ::testing::TestWithParam<const char*> {};

TEST_P(LlhttpConformance, EveryCaseIsTakenOrRefusedAsItMustBe) {
  if (!std::filesystem::exists(vectors())) GTEST_SKIP() << "no vectors at ../shared/vectors/llhttp";
  const auto cases = read_llhttp_cases((vectors() / GetParam()).string(), GetParam());
  ASSERT_FALSE(cases.empty());
  for (const LlhttpCase& test : cases) {
    SCOPED_TRACE(test.id + " (" + test.type + ")");
    ASSERT_FALSE(test.log.empty());
    const std::string input = mended(test);
    const Outcome outcome = run_case(test, input);
    check_arrivals(test, input, outcome);

    const bool must_refuse = test.error() != 0 || test.is_lenient();
    const bool refused = !outcome.refusal.empty();
    const bool same_bodies =
        outcome.messages == test.messages_completed() && outcome.body_bytes == test.body_bytes();
    const bool agrees = refused == must_refuse && (refused || same_bodies);
    if (const LlhttpDeviation* deviation = find_deviation(test.id)) {
      EXPECT_EQ(outcome.refusal, deviation->refusal) << deviation->why;
      EXPECT_FALSE(agrees) << "there is nothing left to explain";
    } else {
      EXPECT_TRUE(agrees) << "ours: \"" << outcome.refusal << "\", " << outcome.messages
                          << " messages, " << outcome.body_bytes << " bytes of bodies\n"
                          << input << "\n----\n"
                          << test.log;
    }
  }
}

TEST(LlhttpReader, FindsEveryCaseThatTheDeviationsName) {
  if (!std::filesystem::exists(vectors())) GTEST_SKIP() << "no vectors at ../shared/vectors/llhttp";
  std::set<std::string, std::less<>> ids;
  for (const char* file : files) {
    for (const LlhttpCase& test : read_llhttp_cases((vectors() / file).string(), file))
      ids.insert(test.id);
  }
  EXPECT_EQ(ids.size(), 251u) << "of the revision that vectors/llhttp/SOURCE.txt names";
  for (const LlhttpDeviation& deviation : all_deviations()) {
    EXPECT_TRUE(ids.contains(deviation.id)) << deviation.id;
  }
}

INSTANTIATE_TEST_SUITE_P(Vectors, LlhttpConformance, ::testing::ValuesIn(files),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) {
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace countersign::testing
