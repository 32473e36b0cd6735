#include "http/problem.h"

#include <algorithm>
#include <array>

#include "core/json.h"

namespace countersign::http {
namespace {

bool is_standard_member(std::string_view name) {
  constexpr std::array<std::string_view, 5> standard = {"type", "title", "status", "detail",
                                                        "instance"};
  return std::ranges::find(standard, name) != standard.end();
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += out.size() > 1 ? "," : "";
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

}  // namespace

std::string to_json(const Problem& problem) {
  std::string out = "{";
  append_member(out, "type", problem.type.empty() ? "about:blank" : std::string_view(problem.type));
  append_member(
      out, "title",
      problem.title.empty() ? reason_phrase(problem.status) : std::string_view(problem.title));
  out += ",\"status\":" + std::to_string(problem.status);
  if (!problem.detail.empty()) append_member(out, "detail", problem.detail);
  for (const auto& [name, value] : problem.extra) {
    if (!is_standard_member(name)) append_member(out, name, value);
  }
  out += '}';
  return out;
}

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_input:
      return 400;
    case ErrorKind::unauthenticated:
      return 401;
    case ErrorKind::forbidden:
      return 403;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::too_large:
      return 413;
    case ErrorKind::rate_limited:
      return 429;
    case ErrorKind::timed_out:
      return 504;
    case ErrorKind::cancelled:
      return 503;
    case ErrorKind::unavailable:
      return 503;
    case ErrorKind::misconfigured:
      return 500;
    case ErrorKind::corrupt:
      return 500;
    case ErrorKind::internal:
      return 500;
  }
  panic("an ErrorKind without a status");
}

Problem problem_of(const Error& error) {
  Problem problem;
  problem.status = status_of(error.kind);
  problem.detail = error.public_text;
  problem.extra.emplace_back("code", error.code);
  return problem;
}

Task<Result<void>> respond_problem(Exchange& exchange, Problem problem, std::vector<Field> fields) {
  // RFC 9111 §5.2.2.5: a refusal concerns this request only.
  fields.push_back({"Cache-Control", "no-store"});
  co_return co_await respond(exchange, problem.status, problem_content_type, to_json(problem),
                             std::move(fields));
}

}  // namespace countersign::http
