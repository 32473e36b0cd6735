// Response heads: the same tables for the other direction.

#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http/h1_codec.h"
#include "support/fragments.h"

namespace countersign::http {
namespace {

using namespace std::string_literals;
using Kind = BodyFraming::Kind;

const std::string& keep(std::string text) {
  static std::deque<std::string> kept;
  return kept.emplace_back(std::move(text));
}

// Every way of arriving must give what the whole text gives.
ParseResult parse(std::string bytes, ResponseHead& head, std::string_view method = "GET",
                  const HeadLimits& limits = {}) {
  const std::string& text = keep(std::move(bytes));
  const ParseResult whole = parse_response_head(text, method, limits, head);
  for (const auto& way : testing::arrivals(text)) {
    ResponseHead scratch;
    for (const size_t arrived : way) {
      const std::string buffer = text.substr(0, arrived);
      const ParseResult result = parse_response_head(buffer, method, limits, scratch);
      if (result.state == ParseState::incomplete) {
        if (arrived == text.size()) EXPECT_EQ(whole.state, ParseState::incomplete) << text;
        continue;
      }
      EXPECT_EQ(result.state, whole.state) << text;
      EXPECT_EQ(result.code, whole.code) << text;
      EXPECT_EQ(result.consumed, whole.consumed) << text;
      break;
    }
  }
  return whole;
}

TEST(ResponseHead, GivesItsParts) {
  ResponseHead head;
  const std::string text = "HTTP/1.1 201 All  good \xff\r\nContent-Length: 2\r\nX: y\r\n\r\n{}HTTP";
  const ParseResult result = parse(text, head);
  ASSERT_EQ(result.state, ParseState::complete) << result.code;
  EXPECT_EQ(text.substr(result.consumed), "{}HTTP");
  EXPECT_EQ(head.status, 201);
  EXPECT_EQ(head.reason, "All  good \xff");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_EQ(head.framing.kind, Kind::length);
  EXPECT_EQ(head.framing.length, 2u);
  EXPECT_EQ(head.value("x"), "y");
  EXPECT_TRUE(head.keep_alive);
}

TEST(ResponseHead, IsIncompleteUntilItsEmptyLine) {
  const std::string text = "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n";
  ResponseHead head;
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(parse_response_head(std::string(text.substr(0, length)), "GET", {}, head).state,
              ParseState::incomplete);
  }
}

TEST(ResponseHead, DecidesAboutTheBodyByMethodStatusAndFields) {
  struct Row {
    std::string_view method, status, fields;
    Kind kind, announced;
    bool keep_alive;
  };
  for (const Row& row : {
           Row{"GET", "200 OK", "Content-Length: 5\r\n", Kind::length, Kind::length, true},
           Row{"GET", "200 OK", "Content-Length: 0\r\n", Kind::none, Kind::none, true},
           Row{"GET", "200 OK", "Transfer-Encoding: chunked\r\n", Kind::chunked, Kind::chunked,
               true},
           Row{"GET", "200 OK", "", Kind::until_close, Kind::until_close, false},
           Row{"POST", "404 No", "", Kind::until_close, Kind::until_close, false},
           Row{"HEAD", "200 OK", "Content-Length: 5\r\n", Kind::none, Kind::length, true},
           Row{"HEAD", "200 OK", "Transfer-Encoding: chunked\r\n", Kind::none, Kind::chunked, true},
           Row{"HEAD", "200 OK", "", Kind::none, Kind::until_close, true},
           Row{"head", "200 OK", "Content-Length: 5\r\n", Kind::length, Kind::length, true},
           Row{"GET", "304 Not", "Content-Length: 5\r\n", Kind::none, Kind::length, true},
           Row{"GET", "304 Not", "", Kind::none, Kind::none, true},
           Row{"GET", "204 No", "", Kind::none, Kind::none, true},
           Row{"GET", "204 No", "Content-Length: 0\r\n", Kind::none, Kind::none, true},
           Row{"GET", "100 Go", "", Kind::none, Kind::none, true},
           Row{"GET", "103 Hint", "Link: x\r\n", Kind::none, Kind::none, true},
           Row{"GET", "101 Switch", "Connection: upgrade\r\nUpgrade: websocket\r\n", Kind::none,
               Kind::none, true},
           Row{"GET", "200 OK", "Connection: close\r\nContent-Length: 5\r\n", Kind::length,
               Kind::length, false},
       }) {
    ResponseHead head;
    const std::string text =
        "HTTP/1.1 " + std::string(row.status) + "\r\n" + std::string(row.fields) + "\r\n";
    ASSERT_EQ(parse(text, head, row.method).state, ParseState::complete) << text;
    EXPECT_EQ(head.framing.kind, row.kind) << row.method << text;
    EXPECT_EQ(head.announced.kind, row.announced) << row.method << text;
    EXPECT_EQ(head.keep_alive, row.keep_alive) << row.method << text;
  }
}

TEST(ResponseHead, OfHttp10IsNotKeptAliveUnlessItSaysSo) {
  ResponseHead head;
  ASSERT_EQ(parse("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", head).state,
            ParseState::complete);
  EXPECT_EQ(head.minor_version, 0);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(
      parse("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", head).state,
      ParseState::complete);
  EXPECT_TRUE(head.keep_alive);
  ASSERT_EQ(parse("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", head).state,
            ParseState::complete);
  EXPECT_FALSE(head.keep_alive) << "its body ends with the connection";
}

TEST(ResponseHead, RefusesWhatARequestMayNotHaveEither) {
  struct Row {
    std::string text;
    std::string_view code;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const Row& row : {
           Row{"HTTP/1.1 200\r\n\r\n", "http.bad_status_line"},
           Row{"HTTP/1.1\r\n\r\n", "http.bad_status_line"},
           Row{"HTTP/1.1  200 OK\r\n\r\n", "http.bad_status_line"},
           Row{"HTTP/1.1\t200 OK\r\n\r\n", "http.bad_status_line"},
           Row{"HTTP/1.1 20 OK\r\n\r\n", "http.bad_status_line"},
           Row{"HTTP/1.1 2000 OK\r\n\r\n", "http.bad_status_line"},
           Row{"HTTP/1.1 200\tOK\r\n\r\n", "http.bad_status_line"},
           Row{"HTTP/1.1 2x0 OK\r\n\r\n", "http.bad_status"},
           Row{"HTTP/1.1 099 OK\r\n\r\n", "http.bad_status"},
           Row{"HTTP/1.1 600 OK\r\n\r\n", "http.bad_status"},
           Row{"HTTP/1.1 +20 OK\r\n\r\n", "http.bad_status"},
           Row{"HTTP/1.1 200 O\x01K\r\n\r\n", "http.bad_status_line"},
           Row{"HTTP/1.1 200 O"s + '\0' + "K\r\n\r\n", "http.bad_status_line"},
           Row{"HTTP/2.0 200 OK\r\n\r\n", "http.bad_version"},
           Row{"HTTP/1.2 200 OK\r\n\r\n", "http.bad_version"},
           Row{"HTTP/a.b 200 OK\r\n\r\n", "http.bad_version"},
           Row{"http/1.1 200 OK\r\n\r\n", "http.bad_status_line"},
           Row{"\r\nHTTP/1.1 200 OK\r\n\r\n", "http.bad_status_line"},
           Row{" HTTP/1.1 200 OK\r\n\r\n", "http.bad_status_line"},
           Row{"<html>", "http.bad_status_line"},
           Row{"HTTP/1.1 200 OK\n\n", "http.bad_line_end"},
           Row{"HTTP/1.1 200 OK\rX: y\r\n\r\n", "http.bad_line_end"},
           Row{ok + "X: a\n\n", "http.bad_line_end"},
           Row{ok + " X: a\r\n\r\n", "http.line_folding"},
           Row{ok + "X: a\r\n b\r\n\r\n", "http.line_folding"},
           Row{ok + "X : a\r\n\r\n", "http.space_before_colon"},
           Row{ok + ": a\r\n\r\n", "http.bad_field_name"},
           Row{ok + "X: \x7f\r\n\r\n", "http.bad_field_value"},
           Row{ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
               "http.repeated_content_length"},
           Row{ok + "Content-Length: 5, 5\r\n\r\n", "http.bad_content_length"},
           Row{ok + "Content-Length: -1\r\n\r\n", "http.bad_content_length"},
           Row{ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
               "http.content_length_and_transfer_encoding"},
           Row{ok + "Transfer-Encoding: gzip\r\n\r\n", "http.bad_transfer_encoding"},
           Row{ok + "Transfer-Encoding: identity\r\n\r\n", "http.bad_transfer_encoding"},
           Row{ok + "Connection: a b\r\n\r\n", "http.bad_connection"},
           Row{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
               "http.transfer_encoding_in_1_0"},
           Row{"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "http.body_without_content"},
           Row{"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n",
               "http.body_without_content"},
           Row{"HTTP/1.1 100 Go\r\nContent-Length: 5\r\n\r\n", "http.body_without_content"},
       }) {
    ResponseHead head;
    const ParseResult result = parse(row.text, head);
    EXPECT_EQ(result.state, ParseState::refused) << row.text;
    EXPECT_EQ(result.code, row.code) << row.text;
  }
}

TEST(ResponseHead, HoldsItsLimits) {
  const HeadLimits limits{.line_bytes_max = 20, .head_bytes_max = 40, .fields_max = 2};
  ResponseHead head;
  const std::string line = "HTTP/1.1 200 OK\r\n";  // 17
  EXPECT_EQ(parse("HTTP/1.1 200 abcdefg\r\n\r\n", head, "GET", limits).state, ParseState::complete);
  EXPECT_EQ(parse("HTTP/1.1 200 abcdefgh\r\n\r\n", head, "GET", limits).code,
            "http.status_line_too_long");
  EXPECT_EQ(parse(line + "X: " + std::string(16, 'x') + "\r\n\r\n", head, "GET", limits).state,
            ParseState::complete);  // 40
  EXPECT_EQ(parse(line + "X: " + std::string(17, 'x') + "\r\n\r\n", head, "GET", limits).code,
            "http.head_too_large");
  EXPECT_EQ(parse(line + "X:\r\nX:\r\nX:\r\n\r\n", head, "GET", limits).code,
            "http.too_many_fields");
  const HeadLimits small{.line_bytes_max = 100, .head_bytes_max = 20};
  EXPECT_EQ(parse("HTTP/1.1 200 " + std::string(50, 'x'), head, "GET", small).code,
            "http.head_too_large");
}

}  // namespace
}  // namespace countersign::http
