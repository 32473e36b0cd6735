// Parsing request heads in tests: every head is parsed whole and as it arrives in pieces.

#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "http/h1_codec.h"
#include "support/fragments.h"

namespace countersign::http::testbed {

using namespace std::string_literals;

// Heads view into what they were parsed from: texts live as long as the tests.
inline const std::string& keep(std::string text) {
  static std::deque<std::string> kept;
  return kept.emplace_back(std::move(text));
}

// As a driver does it: HeadEnd first, then the parser on what has arrived. Every way of arriving
// must give the same.
inline ParseResult parse(std::string bytes, RequestHead& head, const HeadLimits& limits = {}) {
  const std::string& text = keep(std::move(bytes));
  const ParseResult whole = parse_request_head(text, limits, head);
  for (const auto& way : countersign::testing::arrivals(text)) {
    HeadEnd end;
    RequestHead scratch;
    for (const size_t arrived : way) {
      const std::string buffer =
          text.substr(0, arrived);  // exactly as long, so that reading on is seen
      const ParseResult result = parse_request_head(buffer, limits, scratch);
      const size_t length = end.find(buffer);
      if (length != std::string::npos) {
        EXPECT_NE(parse_request_head(buffer.substr(0, length), limits, scratch).state,
                  ParseState::incomplete)
            << text;
      }
      if (result.state == ParseState::incomplete) {
        EXPECT_EQ(length, std::string::npos) << text;
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

inline std::string with_host(std::string_view fields) {
  return "POST /x HTTP/1.1\r\nHost: a.example\r\n"s + std::string(fields) + "\r\n";
}
inline std::string get(std::string_view target) {
  return "GET "s + std::string(target) + " HTTP/1.1\r\nHost: a.example\r\n\r\n";
}
inline std::string host(std::string_view value) {
  return "GET / HTTP/1.1\r\nHost: "s + std::string(value) + "\r\n\r\n";
}

struct Refusal {
  std::string text;
  int status;
  std::string_view code;
};

inline void expect_refused(const std::vector<Refusal>& table) {
  for (const Refusal& row : table) {
    RequestHead head;
    const ParseResult result = parse(row.text, head);
    EXPECT_EQ(result.state, ParseState::refused) << row.text;
    EXPECT_EQ(result.status, row.status) << row.text;
    EXPECT_EQ(result.code, row.code) << row.text;
  }
}

}  // namespace countersign::http::testbed
