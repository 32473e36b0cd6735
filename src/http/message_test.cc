#include "http/message.h"

#include <string>

#include <gtest/gtest.h>

namespace countersign::http {
namespace {

using namespace std::string_literals;
using Kind = BodyFraming::Kind;

TEST(HeadWriter, WritesARequestHead) {
  std::string out = "before";
  HeadWriter writer(out);
  writer.request_line("POST", "/v1/payments?x=%20");
  writer.field("Host", "bank.example");
  writer.framing(BodyFraming::of_length(12), true);
  writer.field("X-Number", uint64_t{18446744073709551615u});
  writer.field("X-Empty", "");
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(out,
            "beforePOST /v1/payments?x=%20 HTTP/1.1\r\nHost: bank.example\r\nContent-Length: 12\r\n"
            "X-Number: 18446744073709551615\r\nX-Empty: \r\n\r\n");
}

TEST(HeadWriter, WritesAResponseHead) {
  std::string out;
  HeadWriter writer(out);
  writer.status_line(404);
  writer.framing({Kind::chunked, 0}, false);
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(HeadWriter, FramesRequestsByTheirMethod) {
  struct Row {
    std::string_view method;
    BodyFraming framing;
    std::string_view field;
  };
  for (const Row& row : {
           Row{"GET", {}, ""},
           Row{"DELETE", {}, ""},
           Row{"POST", {}, "Content-Length: 0\r\n"},
           Row{"PUT", {}, "Content-Length: 0\r\n"},
           Row{"PATCH", {}, "Content-Length: 0\r\n"},
           Row{"GET", {Kind::length, 0}, "Content-Length: 0\r\n"},
           Row{"GET", {Kind::length, 3}, "Content-Length: 3\r\n"},
           Row{"DELETE", {Kind::chunked, 0}, "Transfer-Encoding: chunked\r\n"},
       }) {
    std::string out;
    HeadWriter writer(out);
    writer.request_line(row.method, "/");
    out.clear();
    writer.framing(row.framing, true);
    EXPECT_EQ(out, row.field) << row.method;
    EXPECT_TRUE(writer.finish());
  }
}

TEST(HeadWriter, FramesResponsesByTheirStatus) {
  struct Row {
    int status;
    BodyFraming framing;
    std::string_view field;
    bool allowed = true;
  };
  for (const Row& row : {
           Row{200, {}, "Content-Length: 0\r\n"},
           Row{404, {Kind::length, 7}, "Content-Length: 7\r\n"},
           Row{200, {Kind::until_close, 0}, ""},
           Row{204, {}, ""},
           Row{100, {}, ""},
           Row{304, {}, ""},
           Row{304, {Kind::length, 7}, "Content-Length: 7\r\n"},
           Row{304, {Kind::chunked, 0}, "Transfer-Encoding: chunked\r\n"},
           Row{204, {Kind::length, 7}, "", false},
           Row{204, {Kind::chunked, 0}, "", false},
           Row{204, {Kind::until_close, 0}, "", false},
           Row{101, {Kind::length, 0}, "", false},
       }) {
    std::string out;
    HeadWriter writer(out);
    writer.status_line(row.status);
    out.clear();
    writer.framing(row.framing, false);
    EXPECT_EQ(out, row.field) << row.status;
    EXPECT_EQ(writer.finish().has_value(), row.allowed) << row.status;
  }
}

TEST(HeadWriter, RefusesARequestWhoseBodyEndsWithTheConnection) {
  std::string out;
  HeadWriter writer(out);
  writer.request_line("POST", "/");
  writer.framing({Kind::until_close, 0}, true);
  EXPECT_FALSE(writer.finish());
}

TEST(HeadWriter, RefusesWhatWouldSplitTheMessage) {
  struct Row {
    std::string name, value;
  };
  for (const Row& row : {
           Row{"", "x"},
           Row{"X Y", "x"},
           Row{"X:", "x"},
           Row{"X\r\nY", "x"},
           Row{"\xc3\xbc", "x"},
           Row{"X", "a\r\nY: b"},
           Row{"X", "a\n"},
           Row{"X", "\r"},
           Row{"X", "a"s + '\0'},
           Row{"X", "a\x7f"},
           Row{"X", "aaaaaaaaaaaaaaaaaaaaaaaa\n"},
           Row{"Content-Length", "5"},
           Row{"transfer-encoding", "chunked"},
       }) {
    std::string out;
    HeadWriter writer(out);
    writer.status_line(200);
    const std::string before = out;
    writer.field(row.name, row.value);
    EXPECT_EQ(out, before) << row.name;
    const auto finished = writer.finish();
    ASSERT_FALSE(finished) << row.name << row.value;
    EXPECT_EQ(finished.error().code, "http.bad_field");
  }
}

TEST(HeadWriter, RefusesFirstLinesThatWouldSplitTheMessage) {
  for (const auto& [method, target] : {std::pair<std::string, std::string>{"GE T", "/"},
                                       {"", "/"},
                                       {"GET", ""},
                                       {"GET", "x"},
                                       {"GET", "/a b"},
                                       {"GET", "/a\r\nX: y"},
                                       {"GET", "/#f"},
                                       {"GET", "http://a/"}}) {
    std::string out;
    HeadWriter writer(out);
    writer.request_line(method, target);
    EXPECT_EQ(out, "");
    EXPECT_FALSE(writer.finish()) << method << target;
  }
  for (const int status : {0, 99, 600, -1}) {
    std::string out;
    HeadWriter writer(out);
    writer.status_line(status);
    EXPECT_FALSE(writer.finish()) << status;
  }
}

TEST(HeadWriter, TakesAnAsteriskForOptions) {
  std::string out;
  HeadWriter writer(out);
  writer.request_line("OPTIONS", "*");
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(out, "OPTIONS * HTTP/1.1\r\n\r\n");
}

TEST(Head, FindsFieldsInAnyCase) {
  Head head;
  head.fields = {{"A", "1"}, {"b", "2"}, {"a", "3"}};
  ASSERT_NE(head.find("a"), nullptr);
  EXPECT_EQ(head.find("a")->value, "1");
  EXPECT_EQ(head.value("B"), "2");
  EXPECT_EQ(head.value("c"), "");
  EXPECT_EQ(head.find("c"), nullptr);
  EXPECT_EQ(head.count("A"), 2u);
  EXPECT_EQ(head.count("c"), 0u);
}

TEST(FieldSyntax, KnowsTokens) {
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  for (const char c : "\"(),/:;<=>?@[\\]{} \t\x7f\x80"s + '\0')
    EXPECT_FALSE(is_token(std::string(1, c))) << c;
  EXPECT_FALSE(is_token(""));
}

TEST(FieldSyntax, KnowsFieldValuesAtEveryOffsetOfTheWordWiseScan) {
  for (size_t length = 0; length < 20; ++length) {
    for (size_t at = 0; at < length; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(length, '\x80');
        text[at] = static_cast<char>(byte);
        const bool allowed = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        EXPECT_EQ(is_field_value(text), allowed) << length << " " << at << " " << byte;
      }
    }
  }
}

TEST(ReasonPhrase, IsThereForEveryStatusWeSend) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(599), "Unknown");
}

}  // namespace
}  // namespace countersign::http
