#include "http/challenge.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/ascii.h"
#include "http/char_class.h"
#include "http/http_date.h"
#include "http/message.h"

namespace countersign::http {
namespace {

constexpr size_t field_bytes_max = 4096;
constexpr size_t challenges_max = 16;
constexpr size_t params_max = 16;

// Reads the grammar of RFC 9110 §11.6.1 from left to right. Each take_…() moves on only if it
// succeeds.
class Reader final {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  size_t position() const { return at_; }
  void go_back(size_t position) { at_ = position; }

  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (take(' ') || take('\t')) {
    }
  }
  std::string_view take_token() { return advance_to(chars::skip(text_, at_, chars::token)); }
  std::string_view take_token68() {
    size_t end = chars::skip(text_, at_, chars::token68);
    if (end > at_) {
      while (end < text_.size() && text_[end] == '=') ++end;
    }
    return advance_to(end);
  }
  bool take_quoted(std::string& out) {
    if (!take('"')) return false;
    while (!at_end()) {
      char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\') {
        if (at_end()) return false;
        c = text_[at_++];
        if (!chars::is(c, chars::field_value)) return false;
      } else if (!chars::is(c, chars::quoted_text)) {
        return false;
      }
      out += c;
    }
    return false;
  }

 private:
  std::string_view advance_to(size_t end) {
    const size_t start = std::exchange(at_, end);
    return text_.substr(start, end - start);
  }

  std::string_view text_;
  size_t at_ = 0;
};

enum class Found { yes, no, error };

// token BWS "=" BWS ( token / quoted-string ). `no`, and nothing is read, if no '=' follows the
// token.
Found take_param(Reader& reader, Challenge& challenge) {
  const size_t start = reader.position();
  const std::string name(reader.take_token());
  reader.skip_space();
  if (name.empty() || !reader.take('=')) {
    reader.go_back(start);
    return Found::no;
  }
  reader.skip_space();
  std::string value(reader.take_token());
  if (value.empty() && !reader.take_quoted(value)) return Found::error;
  if (challenge.find(name) || challenge.params.size() >= params_max) return Found::error;
  challenge.params.emplace_back(name, std::move(value));
  return Found::yes;
}

// Commas and white space between list members; false if there was no comma.
bool skip_commas(Reader& reader) {
  bool comma = false;
  for (;;) {
    reader.skip_space();
    if (!reader.take(',')) return comma;
    comma = true;
  }
}

// A token68 stands alone: a comma or the end follows it. That tells "YQ==" from "a=b".
bool take_token68(Reader& reader, Challenge& challenge) {
  const size_t start = reader.position();
  const std::string_view text = reader.take_token68();
  const size_t end = reader.position();
  reader.skip_space();
  const bool ended = reader.at_end() || reader.take(',');
  reader.go_back(!text.empty() && ended ? end : start);
  if (text.empty() || !ended) return false;
  challenge.token68 = text;
  return true;
}

// One challenge: its scheme and what belongs to it. Leaves the reader at its end or behind the
// comma before the next scheme.
bool take_challenge(Reader& reader, Challenge& challenge) {
  challenge.scheme = reader.take_token();
  if (challenge.scheme.empty()) return false;
  if (!reader.take(' ')) return skip_commas(reader) || reader.at_end();
  while (reader.take(' ')) {
  }
  if (take_token68(reader, challenge)) return skip_commas(reader) || reader.at_end();
  bool first = true;
  for (;;) {
    const Found found = take_param(reader, challenge);
    if (found == Found::error) return false;
    // Behind a comma: the next challenge begins. At the start: "Bearer , Basic" or trailing spaces.
    if (found == Found::no) return !first || skip_commas(reader) || reader.at_end();
    first = false;
    if (!skip_commas(reader)) return reader.at_end();
    if (reader.at_end()) return true;
  }
}

}  // namespace

bool Challenge::is(std::string_view scheme_name) const {
  return ascii::equal_ignoring_case(scheme, scheme_name);
}

const std::string* Challenge::find(std::string_view name) const {
  for (const auto& [param, value] : params) {
    if (ascii::equal_ignoring_case(param, name)) return &value;
  }
  return nullptr;
}

std::string_view Challenge::value(std::string_view name) const {
  const std::string* found = find(name);
  return found ? std::string_view(*found) : std::string_view();
}

std::string to_field_value(const Challenge& challenge) {
  std::string out = challenge.scheme;
  if (!challenge.token68.empty()) return out + " " + challenge.token68;
  std::string_view separator = " ";
  for (const auto& [name, value] : challenge.params) {
    out += separator;
    out += name;
    out += "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += !chars::is(c, chars::field_value) ? ' ' : static_cast<uint8_t>(c) >= 0x80 ? '?' : c;
    }
    out += '"';
    separator = ", ";
  }
  return out;
}

Result<std::vector<Challenge>> parse_challenges(std::string_view field_value) {
  const auto refused = [] {
    return fail(ErrorKind::invalid_input, "http.bad_challenge",
                "the WWW-Authenticate field is malformed");
  };
  if (field_value.size() > field_bytes_max) return refused();
  std::vector<Challenge> challenges;
  Reader reader(field_value);
  skip_commas(reader);
  while (!reader.at_end()) {
    Challenge challenge;
    if (challenges.size() >= challenges_max || !take_challenge(reader, challenge)) return refused();
    challenges.push_back(std::move(challenge));
  }
  return challenges;
}

Result<std::chrono::seconds> parse_retry_after(std::string_view field_value, WallTime now) {
  if (!field_value.empty() && ascii::is_digit(field_value.front())) {
    uint64_t seconds = 0;
    const char* end = field_value.data() + field_value.size();
    const auto [stop, error] = std::from_chars(field_value.data(), end, seconds);
    if (stop == end) {
      const auto most = static_cast<uint64_t>(retry_after_max.count());
      if (error != std::errc() || seconds > most) return retry_after_max;
      return std::chrono::seconds(seconds);
    }
  } else if (const Result<WallTime> date = parse_http_date(field_value); date) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(*date - now);
    return std::clamp(wait, std::chrono::seconds(0), retry_after_max);
  }
  return fail(ErrorKind::invalid_input, "http.bad_retry_after",
              "the Retry-After field is malformed");
}

}  // namespace countersign::http
