// Rules about how a file opens, how it cites, and what must stand beside it.

#include <algorithm>
#include <cctype>

#include <sys/stat.h>

#include "core/ascii.h"
#include "rules.h"

namespace countersign::lint {
namespace {

size_t digits_at(std::string_view text, size_t from) {
  size_t count = 0;
  while (from + count < text.size() && ascii::is_digit(text[from + count])) ++count;
  return count;
}

// "rfc" in any case, as the start of a word and followed by a number, but not written as "RFC
// 9112".
bool is_misspelt_rfc(std::string_view text, size_t at) {
  if (!ascii::equal_ignoring_case(text.substr(at, 3), "rfc")) return false;
  if (at > 0 && ascii::is_alnum(text[at - 1])) return false;
  size_t number = at + 3;
  while (number < text.size() &&
         (text[number] == ' ' || text[number] == '-' || text[number] == '_'))
    ++number;
  const size_t digits = digits_at(text, number);
  if (digits == 0) return false;
  // rfc822Name and the like are names of their own.
  if (number + digits < text.size() && ascii::is_alpha(text[number + digits])) return false;
  return text.substr(at, number - at) != "RFC ";
}

// "Section 3", "sec. 3", "appendix A" instead of §3 and §A; and a blank behind the sign.
bool is_misspelt_section(std::string_view text, size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("§ ")) return true;
  if (at > 0 && ascii::is_alnum(text[at - 1])) return false;
  for (const std::string_view word : {"section ", "sections ", "sec. ", "appendix "}) {
    if (!ascii::equal_ignoring_case(rest.substr(0, word.size()), word)) continue;
    const std::string_view behind = rest.substr(word.size());
    if (behind.empty()) return false;
    const bool letter =
        ascii::is_upper(behind[0]) && (behind.size() == 1 || !ascii::is_alnum(behind[1]));
    if (ascii::is_digit(behind[0]) || (word == "appendix " && letter)) return true;
  }
  return false;
}

}  // namespace

std::string Violation::to_string() const {
  return path + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what + "; " + instead;
}

Violations check_opening(const SourceText& source, bool has_header) {
  Violations out;
  const bool opens_with_comment = !source.lines.empty() && source.lines[0].starts_with("//");
  if (!opens_with_comment && !has_header) {
    out.push_back({source.path, 1, "does not open with a comment",
                   "say what it is for, what it is not for, and its RFCs"});
  }
  if (!source.is_header()) return out;
  const auto first = std::ranges::find_if(
      source.code, [](const std::string& line) { return !ascii::trim(line).empty(); });
  if (first == source.code.end() || ascii::trim(*first) != "#pragma once") {
    out.push_back(
        {source.path, 1, "is a header without #pragma once", "put it behind the opening comment"});
  }
  return out;
}

Violations check_citation_form(const SourceText& source) {
  Violations out;
  for (const CommentBlock& block : comment_blocks(source)) {
    for (size_t at = 0; at < block.text.size(); ++at) {
      if (!is_misspelt_rfc(block.text, at) && !is_misspelt_section(block.text, at)) continue;
      out.push_back({source.path, block.lines[at],
                     "cites as \"" + block.text.substr(at, 16) + "…\"",
                     "write RFC 9112 §6.1, or RFC 7515 §A.3 for an appendix"});
    }
  }
  return out;
}

Violations check_fuzz_corpora(const std::filesystem::path& fuzz_folder) {
  Violations out;
  constexpr std::string_view suffix = "_fuzz";
  std::set<std::string> targets;
  for (const auto& entry : std::filesystem::directory_iterator(fuzz_folder)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".cc" || !stem.ends_with(suffix)) continue;
    const std::string name = stem.substr(0, stem.size() - suffix.size());
    targets.insert(name);
    const auto corpus = fuzz_folder / "corpus" / name;
    if (!std::filesystem::is_directory(corpus) || std::filesystem::is_empty(corpus)) {
      out.push_back({"fuzz/" + stem + ".cc", 0, "has no corpus",
                     "put inputs that reach its branches into fuzz/corpus/" + name});
    }
  }
  const auto corpora = fuzz_folder / "corpus";
  if (!std::filesystem::is_directory(corpora)) return out;
  for (const auto& entry : std::filesystem::directory_iterator(corpora)) {
    const std::string name = entry.path().filename().string();
    if (targets.contains(name)) continue;
    out.push_back({"fuzz/corpus/" + name, 0, "has no fuzz target",
                   "add fuzz/" + name + "_fuzz.cc, or remove it"});
  }
  return out;
}

Violations check_script(const std::filesystem::path& root, const std::string& path,
                        std::string_view first_line) {
  struct stat status{};
  if (stat((root / path).c_str(), &status) != 0) return {};
  const bool executable = (status.st_mode & S_IXUSR) != 0;
  const bool script = first_line.starts_with("#!");
  if (script && !executable)
    return {{path, 1, "is a script that cannot be run", "chmod +x " + path}};
  if (!script && executable) return {{path, 1, "is executable but no script", "chmod -x " + path}};
  return {};
}

}  // namespace countersign::lint
