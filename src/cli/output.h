// How commands print: a JSON document, or a table for people. A command makes rows once; the form
// is chosen here.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/common_options.h"

namespace countersign::cli {

// One object: names and values in order. A value is text; lists are joined with spaces in text,
// arrays in JSON.
class OutputRecord final {
 public:
  OutputRecord& text(std::string_view name, std::string_view value);
  OutputRecord& number(std::string_view name, int64_t value);
  OutputRecord& boolean(std::string_view name, bool value);
  OutputRecord& list(std::string_view name, const std::vector<std::string>& values);

  struct Member {
    std::string name;
    std::string shown;  // for a table
    std::string json;   // the value as JSON
  };
  const std::vector<Member>& members() const { return members_; }

 private:
  std::vector<Member> members_;
};

// "name: value" lines, or one JSON object on one line.
void print(const OutputRecord& record, OutputForm form);
// A table with a header line (nothing but "none" if there are no rows), or a JSON array on one
// line.
void print(const std::vector<OutputRecord>& rows, OutputForm form);

}  // namespace countersign::cli
