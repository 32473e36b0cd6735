// Request heads: one table of cases, run whole, byte by byte and in fragments.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http/h1_request_testbed.h"

namespace countersign::http {
namespace {

using namespace std::string_literals;
using namespace testbed;
using Kind = BodyFraming::Kind;

TEST(RequestHead, GivesItsParts) {
  RequestHead head;
  const std::string text =
      "POST /v1/payments?limit=10&x=%20 HTTP/1.1\r\nHost: "
      "Bank.Example:8443\r\nContent-Type:application/json\r\n"
      "X-Empty:\r\nX-Spaced: \t a  b\tc \t\r\nX-Text: D\xc3\xbcsseldorf \xff\r\nContent-Length: "
      "7\r\n\r\n{\"a\":1}GET";
  const ParseResult result = parse(text, head);
  ASSERT_EQ(result.state, ParseState::complete) << result.code;
  EXPECT_EQ(text.substr(result.consumed), "{\"a\":1}GET");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/v1/payments?limit=10&x=%20");
  EXPECT_EQ(head.origin_form, head.target);
  EXPECT_EQ(head.path, "/v1/payments");
  EXPECT_EQ(head.query, "limit=10&x=%20");
  EXPECT_EQ(head.authority, "Bank.Example:8443");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.expect_continue);
  EXPECT_FALSE(head.upgrade);
  EXPECT_EQ(head.framing.kind, Kind::length);
  EXPECT_EQ(head.framing.length, 7u);
  ASSERT_EQ(head.fields.size(), 6u);
  EXPECT_EQ(head.fields[1].name, "Content-Type");
  EXPECT_EQ(head.fields[1].value, "application/json");
  EXPECT_EQ(head.fields[2].value, "");
  EXPECT_EQ(head.fields[3].value, "a  b\tc");
  EXPECT_EQ(head.value("x-TEXT"), "D\xc3\xbcsseldorf \xff");
}

TEST(RequestHead, IsOverwrittenByTheNextOne) {
  RequestHead head;
  ASSERT_EQ(parse_request_head("POST /a?b HTTP/1.0\r\nContent-Length: 5\r\nConnection: x\r\n\r\n",
                               {}, head)
                .state,
            ParseState::complete);
  EXPECT_TRUE(head.connection_names_fields);
  ASSERT_EQ(parse_request_head(keep(get("/c")), {}, head).state, ParseState::complete);
  EXPECT_EQ(head.framing.kind, Kind::none);
  EXPECT_EQ(head.query, "");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_EQ(head.fields.size(), 1u);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.connection_names_fields);
}

TEST(RequestHead, IsIncompleteUntilItsEmptyLine) {
  const std::string text = get("/a");
  RequestHead head;
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(parse_request_head(std::string(text.substr(0, length)), {}, head).state,
              ParseState::incomplete)
        << length;
  }
}

TEST(RequestHead, PassesOverOneEmptyLineOnly) {
  RequestHead head;
  EXPECT_EQ(parse("\r\n" + get("/"), head).state, ParseState::complete);
  EXPECT_EQ(head.path, "/");
  expect_refused({{"\r\n\r\n" + get("/"), 400, "http.bad_request_line"},
                  {"\n" + get("/"), 400, "http.bad_line_end"},
                  {"\r" + get("/"), 400, "http.bad_line_end"},
                  {" " + get("/"), 400, "http.bad_request_line"}});
}

TEST(RequestHead, TakesOriginAsteriskAndAbsoluteForm) {
  struct Row {
    std::string text;
    std::string_view origin_form, path, query, authority;
  };
  const std::string h = " HTTP/1.1\r\nHost: a.example\r\n\r\n";
  for (const Row& row : {
           Row{get("/?"), "/?", "/", "", "a.example"},
           Row{get("/a?b?c=[1]"), "/a?b?c=[1]", "/a", "b?c=[1]", "a.example"},
           Row{"OPTIONS *" + h, "*", "*", "", "a.example"},
           Row{get("http://A.example/p?q"), "/p?q", "/p", "q", "a.example"},
           Row{get("HTTPS://a.example/"), "/", "/", "", "a.example"},
           Row{get("http://a.example"), "/", "/", "", "a.example"},
           Row{"OPTIONS http://a.example" + h, "*", "*", "", "a.example"},
           Row{"GET http://b.example:81/x HTTP/1.0\r\n\r\n", "/x", "/x", "", "b.example:81"},
           Row{"GET / HTTP/1.0\r\n\r\n", "/", "/", "", ""},
       }) {
    RequestHead head;
    ASSERT_EQ(parse(row.text, head).state, ParseState::complete) << row.text;
    EXPECT_EQ(head.origin_form, row.origin_form) << row.text;
    EXPECT_EQ(head.path, row.path) << row.text;
    EXPECT_EQ(head.query, row.query) << row.text;
    EXPECT_EQ(head.authority, row.authority) << row.text;
  }
}

TEST(RequestHead, RefusesTargets) {
  expect_refused({
      {get("/a#b"), 400, "http.bad_target"},
      {get("a"), 400, "http.bad_target"},
      {get("*"), 400, "http.bad_target"},
      {get("/a\tb"), 400, "http.bad_target"},
      {get("/a\\b"), 400, "http.bad_target"},
      {get("/a\"b"), 400, "http.bad_target"},
      {get("/a'b<c>"), 400, "http.bad_target"},
      {get("/a{b}"), 400, "http.bad_target"},
      {get("/a|b"), 400, "http.bad_target"},
      {get("/a^b"), 400, "http.bad_target"},
      {get("/a`b"), 400, "http.bad_target"},
      {get("/a[b]"), 400, "http.bad_target"},
      {get("/d\xc3\xbc"), 400, "http.bad_target"},
      {get("/%"), 400, "http.bad_target"},
      {get("/%4"), 400, "http.bad_target"},
      {get("/%zz"), 400, "http.bad_target"},
      {get("/a?%0"), 400, "http.bad_target"},
      {get("/a"s + '\0' + "b"), 400, "http.bad_request_line"},
      {get("/a\x7f"), 400, "http.bad_request_line"},
      {get("/a\x01"), 400, "http.bad_request_line"},
      {get("/a b"), 400, "http.bad_version"},
      {get("a.example:443"), 400, "http.bad_target"},
      {get("ftp://a.example/"), 400, "http.bad_target"},
      {get("http:///x"), 400, "http.bad_target"},
      {get("http://a.example?x"), 400, "http.bad_target"},
      {get("http://u:p@a.example/"), 400, "http.bad_target"},
      {get("http://a.example:0/"), 400, "http.bad_target"},
      {get("http://b.example/"), 400, "http.host_differs_from_target"},
      {get("http://a.example:80/"), 400, "http.host_differs_from_target"},
      {"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 501,
       "http.connect_not_supported"},
  });
}

TEST(RequestHead, RefusesRequestLines) {
  expect_refused({
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_request_line"},
      {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_version"},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "http.bad_version"},
      {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_request_line"},
      {"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_request_line"},
      {"GET /\r\n\r\n", 400, "http.bad_request_line"},
      {"GET / \r\n\r\n", 400, "http.bad_version"},
      {"GET\r\n\r\n", 400, "http.bad_request_line"},
      {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_request_line"},
      {"G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_request_line"},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_version"},
      {"GET / Http/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_version"},
      {"GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400, "http.bad_version"},
      {"GET / HTTP/11\r\nHost: a\r\n\r\n", 400, "http.bad_version"},
      {"GET / HTTP/1\r\nHost: a\r\n\r\n", 400, "http.bad_version"},
      {"GET / HTTPS/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_version"},
      {"GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400, "http.bad_version"},
      {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, "http.bad_version"},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "http.bad_version"},
      {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "http.bad_version"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http.bad_version"},
      {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "http.bad_line_end"},
      {"GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "http.bad_line_end"},
      {"GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.bad_line_end"},
      {"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, "http.bad_line_end"},
  });
}

TEST(RequestHead, RefusesFieldLines) {
  expect_refused({
      {with_host(" X: folded\r\n"), 400, "http.line_folding"},
      {with_host("\tX: folded\r\n"), 400, "http.line_folding"},
      {with_host("X: a\r\n b\r\n"), 400, "http.line_folding"},
      {with_host("X: a\r\n\r\n").insert(18, " "), 400,
       "http.line_folding"},  // before the first field
      {with_host("X : a\r\n"), 400, "http.space_before_colon"},
      {with_host("X\t: a\r\n"), 400, "http.space_before_colon"},
      {with_host("X Y: a\r\n"), 400, "http.space_before_colon"},
      {with_host(": a\r\n"), 400, "http.bad_field_name"},
      {with_host("X@Y: a\r\n"), 400, "http.bad_field_name"},
      {with_host("\xc3\xbc: a\r\n"), 400, "http.bad_field_name"},
      {with_host("X"s + '\0' + ": a\r\n"), 400, "http.bad_field_name"},
      {with_host("X\x7f: a\r\n"), 400, "http.bad_field_name"},
      {with_host("X\x0b: a\r\n"), 400, "http.bad_field_name"},
      {with_host("NoColon\r\n"), 400, "http.bad_line_end"},
      {with_host("X: a"s + '\0' + "b\r\n"), 400, "http.bad_field_value"},
      {with_host("X: a\x7f\r\n"), 400, "http.bad_field_value"},
      {with_host("X: a\x0b\r\n"), 400, "http.bad_field_value"},
      {with_host("X: a\x1b[0m\r\n"), 400, "http.bad_field_value"},
      {with_host("X: aaaaaaaaaaaaaaaa\t\x01\r\n"), 400, "http.bad_field_value"},
      {with_host("X: a\nY: b\r\n"), 400, "http.bad_line_end"},
      {with_host("X: a\rY: b\r\n"), 400, "http.bad_line_end"},
      {with_host("X: a\r\r\n"), 400, "http.bad_line_end"},
      {with_host("X: a\r\n\r"), 400, "http.bad_line_end"},
      {with_host("\n"), 400, "http.bad_line_end"},
  });
}

TEST(RequestHead, RefusesWhatMakesTheBodysLengthDoubtful) {
  std::vector<Refusal> table = {
      {with_host("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400,
       "http.content_length_and_transfer_encoding"},
      {with_host("transfer-encoding: chunked\r\ncontent-length: 0\r\n"), 400,
       "http.content_length_and_transfer_encoding"},
      {with_host("Content-Length: 5\r\nContent-Length: 5\r\n"), 400,
       "http.repeated_content_length"},
      {with_host("Content-Length: 5\r\nX: y\r\nCONTENT-length: 6\r\n"), 400,
       "http.repeated_content_length"},
      {with_host("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400,
       "http.repeated_transfer_encoding"},
      {with_host("Transfer-Encoding: gzip, chunked\r\n"), 501,
       "http.unsupported_transfer_encoding"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
       "http.transfer_encoding_in_1_0"},
  };
  for (const std::string_view value :
       {"+5", "-5", "5 6", "5,5", "5, 5", "", "0x5", "5a", "05", "00", "5.0", "1e1",
        "9223372036854775808", "18446744073709551616", "99999999999999999999", "\"5\"", "5;x",
        "\xd9\xa5"}) {
    table.push_back({with_host("Content-Length: "s + std::string(value) + "\r\n"), 400,
                     "http.bad_content_length"});
  }
  for (const std::string_view value :
       {"", "identity", "identity, chunked", "chunked, chunked", "chunked,", ",chunked",
        "chunked, gzip", "gzip", "xchunked", "chunkedx", "chunked;q=1", "\"chunked\"", "chun ked",
        "c hunked", "chunked chunked", "gzip;x, chunked"}) {
    table.push_back({with_host("Transfer-Encoding: "s + std::string(value) + "\r\n"), 400,
                     "http.bad_transfer_encoding"});
  }
  table.push_back({with_host("Transfer-Encoding:\x0b"
                             "chunked\r\n"),
                   400, "http.bad_field_value"});
  table.push_back({with_host("Transfer-Encoding: chunked\x0c\r\n"), 400, "http.bad_field_value"});
  table.push_back({with_host("Transfer-Encoding: \xc2\xa0"
                             "chunked\r\n"),
                   400, "http.bad_transfer_encoding"});
  expect_refused(table);
}

TEST(RequestHead, GivesTheBodysLength) {
  struct Row {
    std::string_view fields;
    Kind kind;
    uint64_t length;
  };
  for (const Row& row : {
           Row{"", Kind::none, 0},
           Row{"Content-Length: 0\r\n", Kind::none, 0},
           Row{"Content-Length: 1\r\n", Kind::length, 1},
           Row{"content-length:\t9223372036854775807 \r\n", Kind::length, INT64_MAX},
           Row{"Transfer-Encoding: chunked\r\n", Kind::chunked, 0},
           Row{"TRANSFER-ENCODING:Chunked \r\n", Kind::chunked, 0},
       }) {
    RequestHead head;
    ASSERT_EQ(parse(with_host(row.fields), head).state, ParseState::complete) << row.fields;
    EXPECT_EQ(head.framing.kind, row.kind) << row.fields;
    EXPECT_EQ(head.framing.length, row.length) << row.fields;
  }
}

TEST(RequestHead, RefusesHosts) {
  std::vector<Refusal> table = {
      {"GET / HTTP/1.1\r\n\r\n", 400, "http.missing_host"},
      {"GET / HTTP/1.1\r\nX-Host: a\r\n\r\n", 400, "http.missing_host"},
      {"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400, "http.repeated_host"},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "http.repeated_host"},
      {"GET / HTTP/1.0\r\nHost: a b\r\n\r\n", 400, "http.bad_host"},
  };
  for (const std::string_view value : {"",        "a b",        "u@a",
                                       "u:p@a",   "a/b",        "a?b",
                                       "a#b",     "a,b",        "http://a",
                                       "a:",      "a:0",        "a:080",
                                       "a:65536", "a:99999999", "a:8o",
                                       "a:-1",    "a:+1",       "a:1:2",
                                       ":80",     "[::1",       "::1",
                                       "[::1]x",  "[::1]:",     "[1.2.3.4]",
                                       "[]",      "[g::1]",     "[fe80::1%eth0]",
                                       "a%2eb",   "a\\b",       "d\xc3\xbc",
                                       "a=b",     "a;b",        "(a)",
                                       "*"}) {
    table.push_back({host(value), 400, "http.bad_host"});
  }
  table.push_back({host(std::string(254, 'a')), 400, "http.bad_host"});
  expect_refused(table);
}

TEST(RequestHead, TakesHosts) {
  for (const std::string_view value :
       {"a", "A.Example", "a.example.", "xn--d-xga_b", "127.0.0.1:1", "a:65535", "[::1]",
        "[2001:db8::1]:8443", "[::ffff:192.0.2.1]:1"}) {
    RequestHead head;
    EXPECT_EQ(parse(host(value), head).state, ParseState::complete) << value;
    EXPECT_EQ(head.authority, value);
  }
  RequestHead head;
  EXPECT_EQ(parse(host(std::string(253, 'a')), head).state, ParseState::complete);
}

}  // namespace
}  // namespace countersign::http
