#include "core/config_text.h"

namespace countersign {
namespace {

constexpr size_t line_bytes_max = 8 * 1024;

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\r' && c != '\n') || byte == 0x7f;
}

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

// Walks over the text and knows whether it is inside a string or a comment.
class Walker final {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  std::optional<UnfitToml> walk() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != '\n' && at_ - line_start_ >= line_bytes_max)
        return unfit("the line is longer than 8 KiB");
      if (is_control(c)) return unfit("not TOML: a control character");
      if (!is_ascii(c) && !in_comment_ && quote_.empty()) {
        return unfit("not TOML: a character that is not ASCII, outside quotes");
      }
      step(c);
    }
    return std::nullopt;
  }

 private:
  std::optional<UnfitToml> unfit(std::string why) const { return UnfitToml{line_, std::move(why)}; }

  bool ahead(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void step(char c) {
    if (c == '\n') {
      end_line();
    } else if (in_comment_) {
      ++at_;
    } else if (!quote_.empty()) {
      step_in_string(c);
    } else if (c == '#') {
      in_comment_ = true;
      ++at_;
    } else if (c == '"' || c == '\'') {
      open_string(c);
    } else {
      ++at_;
    }
  }

  void end_line() {
    in_comment_ = false;
    if (quote_.size() == 1) quote_ = {};  // not closed: the library will say so
    ++at_;
    ++line_;
    line_start_ = at_;
  }

  void open_string(char c) {
    const std::string_view triple = c == '"' ? "\"\"\"" : "'''";
    quote_ = ahead(triple) ? triple : triple.substr(0, 1);
    at_ += quote_.size();
  }

  void step_in_string(char c) {
    if (ahead(quote_)) {
      at_ += quote_.size();
      // Up to two quotes may stand before the closing three.
      if (quote_.size() == 3) {
        for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quote_[0]; ++more) ++at_;
      }
      quote_ = {};
      return;
    }
    const bool escape = c == '\\' && quote_[0] == '"';
    const bool escapes_quote =
        escape && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
    at_ += escapes_quote ? 2 : 1;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
  bool in_comment_ = false;
  std::string_view quote_;  // what closes the string that is open
};

}  // namespace

std::optional<UnfitToml> find_unfit_toml(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  return Walker(text).walk();
}

}  // namespace countersign
