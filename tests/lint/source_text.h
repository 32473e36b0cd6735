// A C++ file taken apart by what each character is: code, comment or literal. A scanner, not a
// parser: enough to ask "is this word in the code" without being fooled by a comment or a string.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace countersign::lint {

// Part of tests only: x_test.cc, what is in tests/, and headers beside sources that only tests
// include (x_testbed.h, x_fixture.h, test_x.h).
bool is_test_path(std::string_view path);

struct SourceText {
  std::string path;  // relative to the tree's root
  std::string text;  // all of it
  std::vector<std::string> lines;
  // As long as `lines`, each line as long as the original's, with blanks for what is not of this
  // sort. Quotes count as code, comment marks as comment.
  std::vector<std::string> code;
  std::vector<std::string> comments;
  std::vector<std::string> literals;

  bool is_header() const { return path.ends_with(".h"); }
  bool is_test() const { return is_test_path(path); }
};

SourceText scan_source(std::string path, std::string_view text);

std::vector<std::string> split_lines(std::string_view text);

// A run of comment lines without code or blank lines between, joined by blanks, so that what is
// wrapped reads as one.
struct CommentBlock {
  std::string text;
  std::vector<int> lines;  // of each character, from 1
};
std::vector<CommentBlock> comment_blocks(const SourceText& source);

// Where `word` starts in `text`, at or after `from`, not as a part of a longer identifier; npos if
// nowhere.
size_t find_word(std::string_view text, std::string_view word, size_t from = 0);

}  // namespace countersign::lint
