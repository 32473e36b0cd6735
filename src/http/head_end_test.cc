// HeadEnd: finds the same end in whatever pieces the head comes.

#include <string>

#include <gtest/gtest.h>

#include "http/h1_codec.h"
#include "support/fragments.h"

namespace countersign::http {
namespace {

constexpr size_t none = std::string_view::npos;

TEST(HeadEnd, FindsTheEmptyLineHoweverTheHeadArrives) {
  struct Row {
    std::string_view text;
    size_t end;
  };
  for (const Row& row : {
           Row{"", none},
           Row{"G", none},
           Row{"GET / HTTP/1.1\r\n", none},
           Row{"a\r\nb\r\n\r", none},
           Row{"a\r\nb\r\n\r\n", 8},
           Row{"a\r\nb\r\n\r\nbody\r\n\r\n", 8},
           Row{"\r\n", none},
           Row{"\r\na\r\n\r\n", 7},
           Row{"\r\n\r\n", 4},
           Row{"a\nb", 2},  // bare LF
           Row{"\n", 1},
           Row{"a\r\nb\n\r\n", 5},
           Row{"a\rb\r\n\r\n", 3},  // bare CR
           Row{"a\r\r\n", 3},
           Row{"a\r", none},  // may become CRLF
           Row{"\ra", 2},
           Row{"a\r\nb\r\n\rx", 8},
       }) {
    for (const auto& way : testing::arrivals(row.text)) {
      HeadEnd end;
      size_t found = none;
      for (const size_t arrived : way) {
        found = end.find(std::string(row.text.substr(0, arrived)));
        if (found != none) break;
      }
      EXPECT_EQ(found, row.end) << row.text;
    }
  }
}

TEST(HeadEnd, BeginsAnewAfterReset) {
  HeadEnd end;
  EXPECT_EQ(end.find("aaaaaaaa\r\nbbbb"), none);
  end.reset();
  EXPECT_EQ(end.find("a\r\n\r\n"), 5u);
}

}  // namespace
}  // namespace countersign::http
