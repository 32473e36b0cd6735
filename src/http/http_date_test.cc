#include "http/http_date.h"

#include <gtest/gtest.h>

namespace countersign::http {
namespace {

TEST(Rfc9110, Section5_6_7Example) {
  const WallTime time = from_unix_seconds(784111777);
  EXPECT_EQ(format_http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").value(), time);
}

TEST(HttpDate, TakesBackWhatWasWritten) {
  for (const int64_t time : {int64_t{0}, int64_t{-1}, int64_t{951782400}, int64_t{1800000000},
                             int64_t{253402300799}, int64_t{-62135596800}}) {
    EXPECT_EQ(to_unix_seconds(parse_http_date(format_http_date(from_unix_seconds(time))).value()),
              time);
  }
  EXPECT_EQ(format_http_date(from_unix_seconds(0) + std::chrono::microseconds(999999)),
            "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(HttpDate, TakesALeapSecond) {
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT").value(),
            parse_http_date("Sun, 01 Jan 2017 00:00:00 GMT").value());
}

TEST(HttpDate, RefusesOtherFormsAndImpossibleDates) {
  for (const std::string_view text :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 gmt",
        "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Wed, 30 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 +8:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT"}) {
    const auto parsed = parse_http_date(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "http.bad_date");
  }
}

}  // namespace
}  // namespace countersign::http
