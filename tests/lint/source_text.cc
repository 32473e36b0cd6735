#include "source_text.h"

#include "core/ascii.h"

namespace countersign::lint {
namespace {

bool is_word(char c) {
  return ascii::is_alnum(c) || c == '_';
}

enum class Sort : char { code, comment, literal };

// Walks over the text once and says of each character what it is.
class Scanner final {
 public:
  explicit Scanner(std::string_view text) : text_(text), sorts_(text.size(), Sort::code) {}

  std::vector<Sort> scan() && {
    while (at_ < text_.size()) step();
    return std::move(sorts_);
  }

 private:
  bool ahead(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void take(Sort sort, size_t count = 1) {
    for (; count > 0 && at_ < text_.size(); --count) sorts_[at_++] = sort;
  }

  void step() {
    // Most characters open nothing: told apart first, which makes scanning a tree a matter of a
    // moment.
    const char c = text_[at_];
    if (c != '/' && c != '"' && c != '\'' && c != 'R') {
      ++at_;
    } else if (ahead("//")) {
      while (at_ < text_.size() && text_[at_] != '\n') take(Sort::comment);
    } else if (ahead("/*")) {
      take(Sort::comment, 2);
      while (at_ < text_.size() && !ahead("*/")) take(Sort::comment);
      take(Sort::comment, 2);
    } else if (ahead("R\"") && (at_ == 0 || !is_word(text_[at_ - 1]))) {
      take_raw_string();
    } else if (ahead("\"")) {
      take_quoted('"');
    } else if (ahead("'") && !is_digit_separator()) {
      take_quoted('\'');
    } else {
      take(Sort::code);
    }
  }

  // 1'000: the word it stands in begins with a digit.
  bool is_digit_separator() const {
    size_t start = at_;
    while (start > 0 && (is_word(text_[start - 1]) || text_[start - 1] == '\'')) --start;
    return start < at_ && ascii::is_digit(text_[start]);
  }

  void take_quoted(char quote) {
    take(Sort::code);
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      take(Sort::literal, text_[at_] == '\\' ? 2 : 1);
    }
    if (at_ < text_.size() && text_[at_] == quote) take(Sort::code);
  }

  void take_raw_string() {
    const size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) return take(Sort::code);
    const std::string close = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    take(Sort::code, open + 1 - at_);
    while (at_ < text_.size() && !ahead(close)) take(Sort::literal);
    take(Sort::code, close.size());
  }

  std::string_view text_;
  std::vector<Sort> sorts_;
  size_t at_ = 0;
};

std::vector<std::string> only(std::string_view text, const std::vector<Sort>& sorts, Sort wanted) {
  std::string kept(text);
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] != '\n' && sorts[i] != wanted) kept[i] = ' ';
  }
  return split_lines(kept);
}

bool blank(std::string_view text) {
  return ascii::trim(text).empty();
}

}  // namespace

bool is_test_path(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return path.starts_with("tests/") || name.starts_with("test_") || name.ends_with("_test.cc") ||
         name.ends_with("_testbed.h") || name.ends_with("_fixture.h");
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

SourceText scan_source(std::string path, std::string_view text) {
  const std::vector<Sort> sorts = Scanner(text).scan();
  SourceText source;
  source.path = std::move(path);
  source.text = text;
  source.lines = split_lines(text);
  source.code = only(text, sorts, Sort::code);
  source.comments = only(text, sorts, Sort::comment);
  source.literals = only(text, sorts, Sort::literal);
  return source;
}

std::vector<CommentBlock> comment_blocks(const SourceText& source) {
  std::vector<CommentBlock> blocks;
  bool open = false;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    std::string_view text = ascii::trim(source.comments[i]);
    if (text.empty()) {
      open = false;
      continue;
    }
    while (text.starts_with('/') || text.starts_with('*')) text.remove_prefix(1);
    const bool alone = blank(source.code[i]);
    if (!open || !alone) blocks.emplace_back();
    CommentBlock& block = blocks.back();
    for (const char c : std::string(ascii::trim(text)) + " ") {
      block.text += c;
      block.lines.push_back(static_cast<int>(i) + 1);
    }
    open = true;
  }
  return blocks;
}

size_t find_word(std::string_view text, std::string_view word, size_t from) {
  for (size_t at = text.find(word, from); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool joined_before = is_word(word.front()) && at > 0 && is_word(text[at - 1]);
    const bool joined_after = is_word(word.back()) && end < text.size() && is_word(text[end]);
    if (!joined_before && !joined_after) return at;
  }
  return std::string_view::npos;
}

}  // namespace countersign::lint
