// docs/rfc-map.md: which clause of which RFC is implemented where and tested by what, from the
// citations in comments
// ("RFC 8705 §3.1") and the names of tests ("Rfc7638.Section3_1Thumbprint").

#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source_text.h"

namespace countersign::lint {

struct Clause {
  int rfc = 0;
  std::string section;  // "3.1", "A.2"

  // By number; sections by their parts, so that 3.10 is behind 3.9.
  friend bool operator<(const Clause& a, const Clause& b);
};

struct Citation {
  Clause clause;
  int line = 0;
};

// In the comments of a file, in order. "RFC 9112 §6.1, §6.3 and §7" cites three clauses; an RFC
// without a section none.
std::vector<Citation> citations_in(const SourceText& source);

struct RfcMap {
  struct Row {
    std::set<std::string> files;
    std::set<std::string> tests;  // "Suite.Name"
  };
  std::map<Clause, Row> rows;

  void add(const SourceText& source);
  std::string to_markdown() const;
};

}  // namespace countersign::lint
