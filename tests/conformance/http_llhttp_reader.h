// The test cases of llhttp, which are Markdown: a heading, a comment with options, the bytes as an
// `http` block, and what its parser reports as a `log` block.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace countersign::testing {

struct LlhttpCase {
  std::string id;     // "request/uri.md: Quotes in URI"; repeated headings get "#2"
  std::string type;   // "request", "response-lenient-all"
  std::string input;  // the bytes themselves
  std::string log;
  bool skip_body = false;  // the response to a HEAD

  bool is_request() const { return type.starts_with("request"); }
  bool is_lenient() const { return type.find("lenient") != std::string::npos; }
  // The error's code in the log, or 0.
  int error() const;
  size_t messages_completed() const;
  size_t body_bytes() const;
};

// All cases of one file; `name` is what ids begin with.
std::vector<LlhttpCase> read_llhttp_cases(const std::string& path, const std::string& name);

}  // namespace countersign::testing
