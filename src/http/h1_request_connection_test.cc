// Requests: what decides about the connection and the body.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http/h1_request_testbed.h"

namespace countersign::http {
namespace {

using namespace std::string_literals;
using namespace testbed;

TEST(RequestHead, KeepsTheConnectionAsTheVersionAndItsOptionsSay) {
  struct Row {
    std::string_view version, connection;
    bool keep_alive;
  };
  for (const Row& row : {
           Row{"1.1", "", true},
           Row{"1.1", "close", false},
           Row{"1.1", "keep-alive", true},
           Row{"1.1", "x, CLOSE", false},
           Row{"1.1", "keep-alive, close", false},
           Row{"1.1", "closed", true},
           Row{"1.0", "", false},
           Row{"1.0", "Keep-Alive", true},
           Row{"1.0", ", ,keep-alive,", true},
           Row{"1.0", "keep-alive,close", false},
       }) {
    RequestHead head;
    const std::string text = "GET / HTTP/" + std::string(row.version) +
                             "\r\nHost: a\r\nConnection: " + std::string(row.connection) +
                             "\r\n\r\n";
    ASSERT_EQ(parse(text, head).state, ParseState::complete) << text;
    EXPECT_EQ(head.keep_alive, row.keep_alive) << text;
  }
  RequestHead head;
  ASSERT_EQ(parse(with_host("Connection: keep-alive\r\nConnection: close\r\n"), head).state,
            ParseState::complete);
  EXPECT_FALSE(head.keep_alive);
}

TEST(RequestHead, RefusesConnectionOptions) {
  std::vector<Refusal> table;
  for (const std::string_view value :
       {"a b", "close;x", "\"close\"", "close, Content-Length", "authorization", "Host",
        "Transfer-Encoding", "content-type"}) {
    table.push_back(
        {with_host("Connection: "s + std::string(value) + "\r\n"), 400, "http.bad_connection"});
  }
  expect_refused(table);
}

TEST(RequestHead, KnowsHopByHopFields) {
  RequestHead head;
  ASSERT_EQ(parse(with_host("Connection: close, X-Mine\r\nConnection: ,x-other \r\n"), head).state,
            ParseState::complete);
  for (const std::string_view name :
       {"x-mine", "X-OTHER", "Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate",
        "Proxy-Authentication-Info", "HTTP2-Settings"}) {
    EXPECT_TRUE(head.is_hop_by_hop(name)) << name;
  }
  for (const std::string_view name :
       {"x-min", "X-Mine2", "Authorization", "Host", "Content-Length", "DPoP"}) {
    EXPECT_FALSE(head.is_hop_by_hop(name)) << name;
  }
}

TEST(RequestHead, KnowsExpectContinueAndRefusesOtherExpectations) {
  RequestHead head;
  ASSERT_EQ(parse(with_host("Expect: 100-Continue\r\nContent-Length: 1\r\n"), head).state,
            ParseState::complete);
  EXPECT_TRUE(head.expect_continue);
  ASSERT_EQ(parse(with_host("Expect: 100-continue\r\n"), head).state, ParseState::complete);
  EXPECT_FALSE(head.expect_continue) << "there is no body to wait for";
  ASSERT_EQ(
      parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", head).state,
      ParseState::complete);
  EXPECT_FALSE(head.expect_continue) << "HTTP/1.0 has no interim responses";
  expect_refused({{with_host("Expect: 100-continue, x\r\n"), 417, "http.unknown_expectation"},
                  {with_host("Expect: x\r\n"), 417, "http.unknown_expectation"},
                  {with_host("Expect:\r\n"), 417, "http.unknown_expectation"},
                  {with_host("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 417,
                   "http.unknown_expectation"}});
}

TEST(RequestHead, KnowsUpgrade) {
  struct Row {
    std::string text;
    bool upgrade;
  };
  for (const Row& row : {
           Row{with_host("Connection: Upgrade\r\nUpgrade: websocket\r\n"), true},
           Row{with_host("Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n"), true},
           Row{with_host("Upgrade: websocket\r\n"), false},
           Row{with_host("Connection: upgrade\r\n"), false},
           Row{"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", false},
       }) {
    RequestHead head;
    ASSERT_EQ(parse(row.text, head).state, ParseState::complete) << row.text;
    EXPECT_EQ(head.upgrade, row.upgrade) << row.text;
  }
}

TEST(RequestHead, HoldsItsLimits) {
  const HeadLimits limits{.line_bytes_max = 20, .head_bytes_max = 60, .fields_max = 3};
  RequestHead head;
  const auto result = [&](const std::string& text) { return parse(text, head, limits); };
  const std::string rest = "\r\nHost: a\r\n\r\n";
  EXPECT_EQ(result("GET /aaaaaa HTTP/1.1" + rest).state, ParseState::complete);
  EXPECT_EQ(result("GET /aaaaaaa HTTP/1.1" + rest).status, 414);
  EXPECT_EQ(result("GET /aaaaaaaaaaaaaaaaaaaaaaaa").code, "http.request_line_too_long");
  EXPECT_EQ(result(std::string(21, 'A')).status, 414);

  const std::string line = "GET / HTTP/1.1\r\n";  // 16
  EXPECT_EQ(result(line + "Host: a\r\nX: " + std::string(28, 'x') + "\r\n\r\n").state,
            ParseState::complete);  // 60
  EXPECT_EQ(result(line + "Host: a\r\nX: " + std::string(29, 'x') + "\r\n\r\n").code,
            "http.head_too_large");
  EXPECT_EQ(result(line + std::string(44, 'x')).status, 431);
  EXPECT_EQ(result(line + std::string(43, 'x')).state, ParseState::incomplete);
  EXPECT_EQ(result(line + "Host: a\r\nX:\r\nX:\r\n\r\n").state, ParseState::complete);
  EXPECT_EQ(result(line + "Host: a\r\nX:\r\nX:\r\nX:\r\n\r\n").code, "http.too_many_fields");
  // A head that is short enough is not held against what follows it.
  EXPECT_EQ(result(line + "Host: a\r\n\r\n" + std::string(200, 'b')).state, ParseState::complete);
  const HeadLimits small{.line_bytes_max = 100, .head_bytes_max = 50};
  EXPECT_EQ(parse("GET /" + std::string(60, 'a'), head, small).status, 431);
}

TEST(RequestHead, TakesItsDefaultLimitsToTheByte) {
  const HeadLimits limits;
  RequestHead head;
  const auto line = [&](size_t size) {
    const std::string around = "GET / HTTP/1.1";
    return "GET /" + std::string(size - around.size(), 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(parse_request_head(line(limits.line_bytes_max), limits, head).state,
            ParseState::complete);
  EXPECT_EQ(parse_request_head(line(limits.line_bytes_max + 1), limits, head).status, 414);
  std::string fields = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (size_t i = 1; i < limits.fields_max; ++i) fields += "X:\r\n";
  EXPECT_EQ(parse_request_head(fields + "\r\n", limits, head).state, ParseState::complete);
  EXPECT_EQ(parse_request_head(fields + "X:\r\n\r\n", limits, head).status, 431);
}

}  // namespace
}  // namespace countersign::http
