// RFC 9110 and RFC 9112: their own examples, and the rules they number.

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/h1_codec.h"

namespace countersign::http {
namespace {

using Kind = BodyFraming::Kind;

TEST(Rfc9112, Section3_2_1OriginForm) {
  constexpr std::string_view text = "GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
  RequestHead head;
  ASSERT_EQ(parse_request_head(text, {}, head).state, ParseState::complete);
  EXPECT_EQ(head.path, "/where");
  EXPECT_EQ(head.query, "q=now");
  EXPECT_EQ(head.authority, "www.example.org");
}

TEST(Rfc9112, Section3_2_2AbsoluteForm) {
  constexpr std::string_view text =
      "GET http://www.example.org/pub/WWW/TheProject.html HTTP/1.1\r\nHost: "
      "www.example.org\r\n\r\n";
  RequestHead head;
  ASSERT_EQ(parse_request_head(text, {}, head).state, ParseState::complete);
  EXPECT_EQ(head.origin_form, "/pub/WWW/TheProject.html");
}

TEST(Rfc9112, Section3_2_3AuthorityForm) {
  constexpr std::string_view text =
      "CONNECT www.example.com:80 HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
  RequestHead head;
  EXPECT_EQ(parse_request_head(text, {}, head).status, 501);
}

TEST(Rfc9112, Section3_2_4AsteriskForm) {
  constexpr std::string_view text = "OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n";
  constexpr std::string_view absolute =
      "OPTIONS http://www.example.org:8001 HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n";
  for (const std::string_view request : {text, absolute}) {
    RequestHead head;
    ASSERT_EQ(parse_request_head(request, {}, head).state, ParseState::complete);
    EXPECT_EQ(head.origin_form, "*");
    EXPECT_EQ(head.authority, "www.example.org:8001");
  }
}

// The rules in their order; for a response to GET unless the row says otherwise.
TEST(Rfc9112, Section6_3MessageBodyLength) {
  struct Row {
    int rule;
    std::string_view method, response;
    bool refused;
    Kind kind;
    uint64_t length;
  };
  for (const Row& row : {
           Row{1, "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, Kind::none, 0},
           Row{1, "GET", "HTTP/1.1 204 No Content\r\n\r\n", false, Kind::none, 0},
           Row{1, "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false,
               Kind::none, 0},
           Row{1, "GET", "HTTP/1.1 103 Early Hints\r\n\r\n", false, Kind::none, 0},
           Row{3,
               "GET",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
               true,
               {},
               0},
           Row{4, "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false,
               Kind::chunked, 0},
           Row{5, "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n", true, {}, 0},
           Row{6, "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, Kind::length, 5},
           Row{8, "GET", "HTTP/1.1 200 OK\r\n\r\n", false, Kind::until_close, 0},
       }) {
    ResponseHead head;
    const ParseResult result = parse_response_head(row.response, row.method, {}, head);
    ASSERT_EQ(result.state, row.refused ? ParseState::refused : ParseState::complete)
        << row.response;
    if (row.refused) continue;
    EXPECT_EQ(head.framing.kind, row.kind) << "rule " << row.rule << ": " << row.response;
    EXPECT_EQ(head.framing.length, row.length) << "rule " << row.rule;
  }
  RequestHead request;
  ASSERT_EQ(parse_request_head("POST / HTTP/1.1\r\nHost: a\r\n\r\n", {}, request).state,
            ParseState::complete);
  EXPECT_EQ(request.framing.kind, Kind::none) << "rule 7";
}

TEST(Rfc9112, Section7_1ChunkedGrammar) {
  ChunkedDecoder decoder;
  std::string_view input =
      "4;ext=\"quoted\"\r\nWiki\r\n7\r\npedia i\r\n0\r\nExpires: soon\r\n\r\nnext";
  std::string body;
  for (;;) {
    const auto step = decoder.next(input);
    input.remove_prefix(step.consumed);
    body += step.data;
    if (step.state != ChunkedDecoder::State::data) {
      EXPECT_EQ(step.state, ChunkedDecoder::State::end);
      break;
    }
  }
  EXPECT_EQ(body, "Wikipedia i");
  EXPECT_EQ(input, "next");
}

TEST(Rfc9110, Section5_6_2TokenCharacters) {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool mark =
        c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string_view::npos;
    EXPECT_EQ(is_token(std::string(1, byte)), alnum || mark) << c;
  }
}

}  // namespace
}  // namespace countersign::http
