#include "rfc_map.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/ascii.h"

namespace countersign::lint {
namespace {

constexpr std::string_view section_sign = "§";

int number_at(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

size_t digits_in(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, ascii::is_digit);
  return static_cast<size_t>(end - text.begin());
}

// Takes "6.1", "A.3" or "7" off the front, whose parts `separator` divides; empty if there is none.
std::string take_section(std::string_view& text, char separator) {
  std::string section;
  std::string_view rest = text;
  for (;;) {
    const bool letter = section.empty() && !rest.empty() && ascii::is_upper(rest[0]) &&
                        (rest.size() == 1 || !ascii::is_alpha(rest[1]));
    const size_t length = letter ? 1 : digits_in(rest);
    if (length == 0) return section;
    section += (section.empty() ? "" : ".") + std::string(rest.substr(0, length));
    rest.remove_prefix(length);
    text = rest;
    if (!rest.starts_with(separator)) return section;
    rest.remove_prefix(1);
  }
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

// What the last section of a list is followed by if another comes.
bool take_conjunction(std::string_view& text) {
  std::string_view rest = text;
  if (!take(rest, ", ") && !take(rest, " and ") && !take(rest, " or ") && !take(rest, "/"))
    return false;
  if (!rest.starts_with(section_sign)) return false;
  text = rest;
  return true;
}

struct Test {
  std::string suite;
  std::string name;
  int first_line = 0;
  int last_line = 0;
};

// TEST(Suite, Name), which may be wrapped.
std::optional<Test> test_at(const SourceText& source, size_t index) {
  const std::string& line = source.code[index];
  if (!line.starts_with("TEST")) return std::nullopt;
  std::string text = line;
  for (size_t i = index + 1; i < source.code.size() && text.find(')') == std::string::npos; ++i) {
    text += source.code[i];
  }
  const size_t open = text.find('(');
  const size_t comma = text.find(',', open);
  const size_t close = text.find(')', comma);
  if (open == std::string::npos || comma == std::string::npos || close == std::string::npos) {
    return std::nullopt;
  }
  Test test;
  test.suite = ascii::trim(std::string_view(text).substr(open + 1, comma - open - 1));
  test.name = ascii::trim(std::string_view(text).substr(comma + 1, close - comma - 1));
  test.first_line = static_cast<int>(index) + 1;
  test.last_line = test.first_line;
  while (static_cast<size_t>(test.last_line) < source.lines.size() &&
         !source.lines[static_cast<size_t>(test.last_line) - 1].starts_with('}')) {
    ++test.last_line;
  }
  return test;
}

std::vector<Test> tests_in(const SourceText& source) {
  std::vector<Test> tests;
  for (size_t i = 0; i < source.code.size(); ++i) {
    if (auto test = test_at(source, i)) tests.push_back(*std::move(test));
  }
  return tests;
}

// The clause that a test's own name says: Rfc7638.Section3_1Thumbprint, Rfc7515.AppendixA_1Hs256.
std::optional<Clause> clause_of_name(const Test& test) {
  std::string_view suite = test.suite;
  if (!take(suite, "Rfc")) return std::nullopt;
  Clause clause;
  clause.rfc = number_at(suite);
  suite.remove_prefix(digits_in(suite));
  for (std::string_view part : {suite, std::string_view(test.name)}) {
    if (!take(part, "Section") && !take(part, "Appendix")) continue;
    // A letter here is followed by words: only "A_1" and digits end where the name goes on.
    clause.section = take_section(part, '_');
    if (!clause.section.empty()) return clause;
  }
  return std::nullopt;
}

// The test that a comment at `line` belongs to: the one around it, or the next one.
std::string owner_of(int line, const std::vector<Test>& tests, const std::string& path) {
  for (const Test& test : tests) {
    if (line <= test.last_line) return test.suite + "." + test.name;
  }
  return path;
}

// How many lines the opening comment has.
int opening_lines(const SourceText& source) {
  const auto end = std::ranges::find_if_not(
      source.lines, [](const std::string& line) { return line.starts_with("//"); });
  return static_cast<int>(end - source.lines.begin());
}

std::string link_to(const Clause& clause) {
  const bool appendix = ascii::is_upper(clause.section[0]);
  return "[§" + clause.section + "](https://www.rfc-editor.org/rfc/rfc" +
         std::to_string(clause.rfc) + (appendix ? "#appendix-" : "#section-") + clause.section +
         ")";
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "`" : "<br>`") + name + "`";
  return text.empty() ? "—" : text;
}

}  // namespace

bool operator<(const Clause& a, const Clause& b) {
  if (a.rfc != b.rfc) return a.rfc < b.rfc;
  std::string_view left = a.section;
  std::string_view right = b.section;
  while (!left.empty() && !right.empty()) {
    const size_t left_digits = digits_in(left);
    const size_t right_digits = digits_in(right);
    if (left_digits > 0 && right_digits > 0) {
      if (number_at(left) != number_at(right)) return number_at(left) < number_at(right);
      left.remove_prefix(left_digits);
      right.remove_prefix(right_digits);
    } else {
      if (left[0] != right[0]) return left[0] < right[0];
      left.remove_prefix(1);
      right.remove_prefix(1);
    }
  }
  return left.size() < right.size();
}

std::vector<Citation> citations_in(const SourceText& source) {
  std::vector<Citation> citations;
  for (const CommentBlock& block : comment_blocks(source)) {
    const std::string_view text = block.text;
    for (size_t at = find_word(text, "RFC "); at != std::string_view::npos;
         at = find_word(text, "RFC ", at + 1)) {
      std::string_view rest = text.substr(at + 4);
      const int rfc = number_at(rest);
      rest.remove_prefix(digits_in(rest));
      if (rfc == 0 || !take(rest, " ")) continue;
      while (take(rest, section_sign)) {
        const std::string section = take_section(rest, '.');
        if (section.empty()) break;
        citations.push_back({{rfc, section}, block.lines[at]});
        if (!take_conjunction(rest)) break;
      }
    }
  }
  return citations;
}

void RfcMap::add(const SourceText& source) {
  const bool test_file = source.is_test();
  const std::vector<Test> tests = test_file ? tests_in(source) : std::vector<Test>();
  const int opening = opening_lines(source);
  for (const Citation& citation : citations_in(source)) {
    if (!test_file) {
      rows[citation.clause].files.insert(source.path);
    } else {
      rows[citation.clause].tests.insert(
          citation.line <= opening ? source.path : owner_of(citation.line, tests, source.path));
    }
  }
  for (const Test& test : tests) {
    if (const auto clause = clause_of_name(test))
      rows[*clause].tests.insert(test.suite + "." + test.name);
  }
}

std::string RfcMap::to_markdown() const {
  std::string text =
      "# RFC clauses: where they are implemented and tested\n"
      "\n"
      "Written by `./x tidy --update` from the citations in comments (`RFC 8705 §3.1`) and the "
      "names of\n"
      "tests; a test fails when it is stale. A dash under tests means that no test cites the "
      "clause, not\n"
      "that nothing tests the code.\n";
  int rfc = 0;
  for (const auto& [clause, row] : rows) {
    if (clause.rfc != rfc) {
      rfc = clause.rfc;
      text += "\n## RFC " + std::to_string(rfc) +
              "\n\n| clause | code | tests |\n| --- | --- | --- |\n";
    }
    text += "| " + link_to(clause) + " | " + joined(row.files) + " | " + joined(row.tests) + " |\n";
  }
  return text;
}

}  // namespace countersign::lint
