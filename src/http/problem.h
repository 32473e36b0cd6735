// Problem documents (RFC 9457): how every refusal is told to the other side, and the one mapping
// from an Error's kind to an HTTP status.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/task.h"
#include "http/message.h"
#include "http/service.h"

namespace countersign::http {

inline constexpr std::string_view problem_content_type = "application/problem+json";

struct Problem {
  int status = 500;
  std::string type;    // a URI; empty: "about:blank"
  std::string title;   // empty: the status's reason phrase
  std::string detail;  // for the other side: never a secret; left out if empty
  // Extension members with string values: {"code", …}, {"decision_id", …}. A name of the standard
  // members is left out.
  std::vector<std::pair<std::string, std::string>> extra;
};

// The JSON text. Whatever the strings hold, it is valid JSON in UTF-8.
std::string to_json(const Problem& problem);

// The status that an Error of this kind is answered with, if nobody knows better.
int status_of(ErrorKind kind);

// Status by kind, `detail` = public_text, member "code" = the code. The private detail stays here.
Problem problem_of(const Error& error);

// Answers the exchange with the document, with Cache-Control: no-store. `fields` are added as they
// are; what they view outlives the await.
Task<Result<void>> respond_problem(Exchange& exchange, Problem problem,
                                   std::vector<Field> fields = {});

}  // namespace countersign::http
