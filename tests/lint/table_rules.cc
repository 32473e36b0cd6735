// Rules whose substance is in tools/lint.toml: banned words and sizes.

#include <algorithm>

#include "core/ascii.h"
#include "core/config.h"
#include "rules.h"

namespace countersign::lint {
namespace {

// True if the file is exempt; the exemption is needed from here on.
bool use_exemption(const std::vector<Exemption>& exemptions, std::string_view path) {
  const auto found = std::ranges::find_if(
      exemptions, [&](const Exemption& exemption) { return matches(exemption.file, path); });
  if (found == exemptions.end()) return false;
  found->used = true;
  return true;
}

const std::vector<std::string>& view_of(const SourceText& source, Ban::Where where) {
  switch (where) {
    case Ban::Where::code:
      return source.code;
    case Ban::Where::comment:
      return source.comments;
    case Ban::Where::literal:
      return source.literals;
    case Ban::Where::anywhere:
      return source.lines;
  }
  return source.lines;
}

std::vector<Exemption> read_exemptions(const ConfigSection& section, std::string_view key) {
  std::vector<Exemption> exemptions;
  for (const ConfigSection& entry : section.tables(key)) {
    exemptions.push_back({.file = entry.string("file"), .why = entry.string("why")});
  }
  return exemptions;
}

void check_ban(const SourceText& source, const Ban& ban, Violations& out) {
  const bool applies =
      ban.files.empty() || std::ranges::any_of(ban.files, [&](const auto& pattern) {
        return matches(pattern, source.path);
      });
  if (!applies) return;
  const auto& lines = view_of(source, ban.where);
  for (const std::string& word : ban.words) {
    if (source.text.find(word) == std::string::npos) continue;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (find_word(lines[i], word) == std::string_view::npos) continue;
      if (use_exemption(ban.except, source.path)) continue;
      out.push_back({source.path, static_cast<int>(i) + 1, word + ": " + ban.why, ban.instead});
    }
  }
}

// Finds functions by their braces: one that opens outside any function, after something that is
// neither a namespace, a type nor an initializer, is a function's.
class FunctionFinder final {
 public:
  explicit FunctionFinder(const SourceText& source) : source_(source) {}

  struct Function {
    int first_line;
    int last_line;
  };

  std::vector<Function> find() && {
    for (size_t i = 0; i < source_.code.size(); ++i) {
      line_ = static_cast<int>(i) + 1;
      const std::string& code = source_.code[i];
      if (continued_ || ascii::trim(code).starts_with('#')) {
        continued_ = code.ends_with('\\');
        continue;
      }
      for (const char c : code) step(c);
      head_ += ' ';
    }
    return std::move(found_);
  }

 private:
  enum class Block { scope, function, data };

  void step(char c) {
    if (c == '{') {
      open_.push_back(
          {in_scope() ? kind_of_head() : Block::data, head_line_ == 0 ? line_ : head_line_});
      forget_head();
    } else if (c == '}') {
      close();
      forget_head();
    } else if (c == ';') {
      forget_head();
    } else if (c != ' ' || !head_.empty()) {
      if (head_.empty()) head_line_ = line_;
      head_ += c;
    }
  }

  void forget_head() {
    head_.clear();
    head_line_ = 0;
  }

  bool in_scope() const { return open_.empty() || open_.back().kind == Block::scope; }

  void close() {
    if (open_.empty()) return;
    if (open_.back().kind == Block::function) found_.push_back({open_.back().line, line_});
    open_.pop_back();
  }

  Block kind_of_head() const {
    std::string_view head = ascii::trim(head_);
    if (head.starts_with("template")) head.remove_prefix(end_of_template(head));
    if (head.ends_with('=') || head.ends_with(',') || head.ends_with('(')) return Block::data;
    if (find_word(head, "namespace") != std::string_view::npos || head.starts_with("extern")) {
      return Block::scope;
    }
    const size_t parenthesis = head.find('(');
    for (const std::string_view keyword : {"class", "struct", "union", "enum"}) {
      if (find_word(head.substr(0, parenthesis), keyword) != std::string_view::npos)
        return Block::scope;
    }
    return parenthesis == std::string_view::npos ? Block::data : Block::function;
  }

  // Behind the closing > of "template <…>".
  static size_t end_of_template(std::string_view head) {
    int depth = 0;
    for (size_t i = 0; i < head.size(); ++i) {
      if (head[i] == '<') ++depth;
      if (head[i] == '>' && --depth == 0) return i + 1;
    }
    return 0;
  }

  struct Open {
    Block kind;
    int line;
  };

  const SourceText& source_;
  std::vector<Open> open_;
  std::vector<Function> found_;
  std::string head_;
  int head_line_ = 0;
  int line_ = 0;
  bool continued_ = false;
};

}  // namespace

bool matches(std::string_view pattern, std::string_view path) {
  if (pattern.starts_with('*')) return path.ends_with(pattern.substr(1));
  return pattern.ends_with('/') ? path.starts_with(pattern) : path == pattern;
}

Result<RuleTable> read_rule_table(std::string_view text) {
  auto config = ConfigReader::parse(text, "tools/lint.toml");
  const ConfigSection root = config.root();
  const ConfigSection sizes = root.section("sizes");
  RuleTable table;
  table.file_lines_max = sizes.integer<int>("file_lines_max", {1, 10'000});
  table.test_lines_max = sizes.integer<int>("test_lines_max", {1, 10'000});
  table.function_lines_max = sizes.integer<int>("function_lines_max", {1, 10'000});
  table.long_files = read_exemptions(sizes, "long_file");
  table.long_functions = read_exemptions(sizes, "long_function");
  for (const ConfigSection& entry : root.tables("ban")) {
    Ban ban;
    ban.words = entry.strings("words");
    ban.where = entry.choice("where", Ban::Where::code,
                             {{"code", Ban::Where::code},
                              {"comment", Ban::Where::comment},
                              {"literal", Ban::Where::literal},
                              {"anywhere", Ban::Where::anywhere}});
    ban.files = entry.strings("files", {});
    ban.why = entry.string("why");
    ban.instead = entry.string("instead");
    ban.except = read_exemptions(entry, "except");
    table.bans.push_back(std::move(ban));
  }
  CS_CHECK(config.finish());
  return table;
}

Violations check_bans(const SourceText& source, const RuleTable& table) {
  Violations out;
  for (const Ban& ban : table.bans) check_ban(source, ban, out);
  return out;
}

Violations check_bans_in_text(const SourceText& text, const RuleTable& table) {
  Violations out;
  for (const Ban& ban : table.bans) {
    if (ban.where == Ban::Where::anywhere) check_ban(text, ban, out);
  }
  return out;
}

Violations check_sizes(const SourceText& source, const RuleTable& table) {
  Violations out;
  const int lines = static_cast<int>(source.lines.size());
  const int most = source.is_test() ? table.test_lines_max : table.file_lines_max;
  if (lines > most && !use_exemption(table.long_files, source.path)) {
    out.push_back({source.path, 0,
                   "has " + std::to_string(lines) + " lines; the limit is " + std::to_string(most),
                   "find the second thing that it does, and give it a file"});
  }
  for (const auto& function : FunctionFinder(source).find()) {
    const int length = function.last_line - function.first_line + 1;
    if (length <= table.function_lines_max) continue;
    if (use_exemption(table.long_functions, source.path)) continue;
    out.push_back({source.path, function.first_line,
                   "a function of " + std::to_string(length) + " lines; the limit is " +
                       std::to_string(table.function_lines_max),
                   "name its parts, and make them functions"});
  }
  return out;
}

Violations check_exemptions_used(const RuleTable& table) {
  Violations out;
  const auto check = [&](const std::vector<Exemption>& exemptions, const std::string& of) {
    for (const Exemption& exemption : exemptions) {
      if (exemption.used) continue;
      out.push_back({"tools/lint.toml", 0,
                     exemption.file + " is exempt from " + of + " without need",
                     "remove the exemption"});
    }
  };
  check(table.long_files, "the limit on a file's lines");
  check(table.long_functions, "the limit on a function's lines");
  for (const Ban& ban : table.bans) check(ban.except, "the ban on " + ban.words.front());
  return out;
}

}  // namespace countersign::lint
