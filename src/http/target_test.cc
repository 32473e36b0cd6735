#include "http/target.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace countersign::http {
namespace {

using namespace std::string_literals;

TEST(CanonicalPath, TakesPathsWithOneSpelling) {
  for (const std::string_view path : {"/", "/a", "/v1/payments", "/v1/payments/", "/a/b-c_d.e~f",
                                      "/a%20b", "/%C3%BC", "/a:b@c!$&'()*+,=d", "/...", "/.a",
                                      "/a.", "/..a", "/%3F%23", "/%E2%82%AC", "/%F0%9F%92%B6"}) {
    const auto parsed = parse_canonical_path(path);
    ASSERT_TRUE(parsed) << path << parsed.error().for_log();
    EXPECT_EQ(parsed->text(), path);
  }
}

TEST(CanonicalPath, RefusesEveryOtherSpelling) {
  struct Row {
    std::string path;
    std::string_view code;
  };
  for (const Row& row : {
           Row{"", "http.path_not_absolute"},
           Row{"a", "http.path_not_absolute"},
           Row{"*", "http.path_not_absolute"},
           Row{"http://a/", "http.path_not_absolute"},
           Row{"/a b", "http.path_bad_character"},
           Row{"/a\\b", "http.path_bad_character"},
           Row{"/a?b", "http.path_bad_character"},
           Row{"/a#b", "http.path_bad_character"},
           Row{"/a\"b", "http.path_bad_character"},
           Row{"/a[b]", "http.path_bad_character"},
           Row{"/a"s + '\0', "http.path_bad_character"},
           Row{"/\xc3\xbc", "http.path_bad_character"},
           Row{"/%", "http.path_bad_triplet"},
           Row{"/%2", "http.path_bad_triplet"},
           Row{"/%2/", "http.path_bad_triplet"},
           Row{"/%zz", "http.path_bad_triplet"},
           Row{"/a%", "http.path_bad_triplet"},
           Row{"/.", "http.path_dot_segment"},
           Row{"/..", "http.path_dot_segment"},
           Row{"/a/../b", "http.path_dot_segment"},
           Row{"/a/./b", "http.path_dot_segment"},
           Row{"/../", "http.path_dot_segment"},
           Row{"/%2E%2E/", "http.path_not_minimal"},
           Row{"/.%2E/", "http.path_not_minimal"},
           Row{"/%2e", "http.path_not_minimal"},
           Row{"//", "http.path_empty_segment"},
           Row{"//a", "http.path_empty_segment"},
           Row{"/a//b", "http.path_empty_segment"},
           Row{"/a//", "http.path_empty_segment"},
           Row{"/a;b", "http.path_parameter"},
           Row{"/a/..;/b", "http.path_parameter"},
           Row{"/a%3Bb", "http.path_parameter"},
           Row{"/a%2Fb", "http.path_encoded_structure"},
           Row{"/a%2fb", "http.path_encoded_structure"},
           Row{"/a%5Cb", "http.path_encoded_structure"},
           Row{"/a%5cb", "http.path_encoded_structure"},
           Row{"/%252E%252E", "http.path_encoded_structure"},
           Row{"/%00", "http.path_control"},
           Row{"/%0D%0A", "http.path_control"},
           Row{"/%1F", "http.path_control"},
           Row{"/%7F", "http.path_control"},
           Row{"/%41", "http.path_not_minimal"},
           Row{"/%7E", "http.path_not_minimal"},
           Row{"/%2D", "http.path_not_minimal"},
           Row{"/%c3%BC", "http.path_not_minimal"},
           Row{"/%C3%bC", "http.path_not_minimal"},
           Row{"/%C3", "http.path_not_utf8"},
           Row{"/%C3/%BC", "http.path_not_utf8"},
           Row{"/%C0%AE%C0%AE", "http.path_not_utf8"},
           Row{"/%E0%80%AE", "http.path_not_utf8"},
           Row{"/%ED%A0%80", "http.path_not_utf8"},
           Row{"/%F4%90%80%80", "http.path_not_utf8"},
           Row{"/%FF", "http.path_not_utf8"},
           Row{"/%C3a", "http.path_not_utf8"},
       }) {
    const auto parsed = parse_canonical_path(row.path);
    ASSERT_FALSE(parsed) << row.path;
    EXPECT_EQ(parsed.error().code, row.code) << row.path;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_input);
  }
}

TEST(SplitTarget, SplitsAtTheFirstQuestionMark) {
  EXPECT_EQ(split_target("/a?b?c").path, "/a");
  EXPECT_EQ(split_target("/a?b?c").query, "b?c");
  EXPECT_EQ(split_target("/a").query, "");
  EXPECT_EQ(split_target("/a?").path, "/a");
}

TEST(DecodePercent, DecodesAndRefuses) {
  EXPECT_EQ(decode_percent("a%20b+c", PlusSign::literal).value(), "a b+c");
  EXPECT_EQ(decode_percent("a%20b+c%2B", PlusSign::is_space).value(), "a b c+");
  EXPECT_EQ(decode_percent("%C3%BC%c3%bc", PlusSign::literal).value(), "\xc3\xbc\xc3\xbc");
  EXPECT_EQ(decode_percent("", PlusSign::literal).value(), "");
  for (const std::string& text : {"%"s, "%4"s, "%4g"s, "a b"s, "\xc3\xbc"s, "%FF"s, "%C3"s,
                                  "%C0%AF"s, "%00"s, "%0A"s, "%7F"s, "a\tb"s, "a"s + '\0'}) {
    const auto decoded = decode_percent(text, PlusSign::literal);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, "http.bad_encoding");
  }
}

TEST(DecodePercent, TakesBackWhatWasEncoded) {
  std::string text;
  for (int c = 0x20; c < 0x7f; ++c) text += static_cast<char>(c);
  text += "\xc3\xbc\xe2\x82\xac";
  std::string encoded;
  append_percent_encoded(encoded, text);
  EXPECT_EQ(decode_percent(encoded, PlusSign::is_space).value(), text);
  EXPECT_EQ(encoded.substr(0, 9), "%20%21%22");
}

std::vector<std::string> read_all(std::string_view query, bool& failed) {
  std::vector<std::string> out;
  failed = false;
  QueryReader reader(query);
  while (auto next = reader.next()) {
    if (!*next) {
      failed = true;
      EXPECT_FALSE(reader.next()) << "an error is the end";
      break;
    }
    out.push_back((*next)->name + "→" + (*next)->value);
  }
  return out;
}

TEST(QueryReader, GivesParametersInOrder) {
  bool failed = false;
  EXPECT_EQ(read_all("", failed), std::vector<std::string>{});
  EXPECT_EQ(read_all("a=1&b&c=&a=x%3D%26+y=z", failed),
            (std::vector<std::string>{"a→1", "b→", "c→", "a→x=& y=z"}));
  EXPECT_FALSE(failed);
}

TEST(QueryReader, RefusesWhatIsNotPlain) {
  for (const std::string_view query : {"&", "a&", "&a", "a&&b", "=1", "a=1&=2", "a=%", "a=%zz",
                                       "%=1", "a=1;b=2", "a=%FF", "a=%00", "a=b c", "a=\x01"}) {
    bool failed = false;
    read_all(query, failed);
    EXPECT_TRUE(failed) << query;
  }
}

TEST(Url, GivesItsParts) {
  struct Row {
    std::string_view text, scheme, host;
    uint16_t port;
    std::string_view target, authority, whole;
  };
  for (const Row& row : {
           Row{"https://Bank.Example/token", "https", "bank.example", 443, "/token", "bank.example",
               "https://bank.example/token"},
           Row{"HTTP://a", "http", "a", 80, "/", "a", "http://a/"},
           Row{"http://a?x=1", "http", "a", 80, "/?x=1", "a", "http://a/?x=1"},
           Row{"https://a:443/", "https", "a", 443, "/", "a", "https://a/"},
           Row{"https://a:80/", "https", "a", 80, "/", "a:80", "https://a:80/"},
           Row{"https://127.0.0.1:8443/x?y=%20", "https", "127.0.0.1", 8443, "/x?y=%20",
               "127.0.0.1:8443", "https://127.0.0.1:8443/x?y=%20"},
           Row{"https://[2001:DB8::1]:8443/x", "https", "2001:db8::1", 8443, "/x",
               "[2001:db8::1]:8443", "https://[2001:db8::1]:8443/x"},
           Row{"https://[::1]", "https", "::1", 443, "/", "[::1]", "https://[::1]/"},
       }) {
    const auto url = parse_url(row.text);
    ASSERT_TRUE(url) << row.text << url.error().for_log();
    EXPECT_EQ(url->scheme, row.scheme);
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->target(), row.target);
    EXPECT_EQ(url->authority(), row.authority);
    EXPECT_EQ(url->to_string(), row.whole);
    EXPECT_EQ(parse_url(url->to_string()).value(), *url);
    EXPECT_EQ(url->is_https(), row.scheme == "https");
  }
}

TEST(Url, RefusesWhatIsNoHttpUrl) {
  for (const std::string_view text : {"",
                                      "a",
                                      "//a/",
                                      "ftp://a/",
                                      "https:/a",
                                      "https:a",
                                      "https://",
                                      "https:///x",
                                      "https://:443/",
                                      "https://a:/",
                                      "https://a:0/",
                                      "https://a:65536/",
                                      "https://a:x/",
                                      "https://u@a/",
                                      "https://u:p@a/",
                                      "https://a/#f",
                                      "https://a#f",
                                      "https://a b/",
                                      "https://a/b c",
                                      "https://a/\"",
                                      "https://a/%zz",
                                      "https://::1/",
                                      "https://[::1/",
                                      "https://[a]/",
                                      "https://d\xc3\xbc/",
                                      "https://a%2e/",
                                      " https://a/",
                                      "https://a/\n"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, "http.bad_url");
  }
}

TEST(Url, DoesNotRepeatAPassword) {
  const auto url = parse_url("https://user:hunter2@a.example/");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().for_log().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace countersign::http
