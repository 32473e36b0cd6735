#include "consumer/call_policy.h"

#include <algorithm>

namespace countersign::consumer {
namespace {

std::string_view take_segment(std::string_view& rest) {
  rest.remove_prefix(1);  // '/'
  const size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view segment = rest.substr(0, end);
  rest.remove_prefix(end);
  return segment;
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}
bool takes_the_rest(std::string_view segment) {
  return is_parameter(segment) && segment.ends_with("...}");
}

bool is_template(std::string_view path) {
  if (!path.starts_with('/')) return false;
  while (!path.empty()) {
    const std::string_view segment = take_segment(path);
    if (takes_the_rest(segment) && !path.empty()) return false;
    if (is_parameter(segment) && segment.size() > 2) continue;
    if (segment.find_first_of("{}?#*") != std::string_view::npos) return false;
  }
  return true;
}

std::unexpected<Error> bad(std::string_view path, std::string_view what) {
  return fail(ErrorKind::misconfigured, "egress.bad_route",
              "route \"" + std::string(path) + "\": " + std::string(what));
}

Result<void> check_rule(std::string_view path, const CallRule& rule) {
  if (rule.retries_max < 0) return bad(path, "the number of repeats is negative");
  if (rule.backoff_first <= std::chrono::milliseconds(0) || rule.backoff_max < rule.backoff_first)
    return bad(path,
               "the pauses between repeats are not positive, or the longest is shorter than "
               "the first");
  if (rule.deadline && *rule.deadline <= std::chrono::milliseconds(0))
    return bad(path, "its deadline is not positive");
  for (const int status : rule.retry_statuses) {
    if (status < 400 || status > 599 || status == 401)
      return bad(path, "only answers from 400 to 599 can be repeated, and never 401");
  }
  return {};
}

}  // namespace

Result<void> check_call_policy(const CallPolicyOptions& options) {
  CS_CHECK(check_rule("(all)", options.otherwise));
  for (const CallRoute& route : options.routes) {
    if (!is_template(route.path)) return bad(route.path, "expected a path such as /v1/things/{id}");
    CS_CHECK(check_rule(route.path, route.rule));
  }
  if (options.budget.percent < 0 || options.budget.percent > 100 || options.budget.burst < 0)
    return bad("(all)", "the budget is a share from 0 to 100 and a burst of 0 or more");
  return {};
}

bool matches_route(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && path.starts_with('/')) {
    const std::string_view wanted = take_segment(pattern);
    if (takes_the_rest(wanted)) return path.size() > 1;
    const std::string_view given = take_segment(path);
    if (is_parameter(wanted) ? given.empty() : wanted != given) return false;
  }
  return pattern.empty() && path.empty();
}

const CallRule& CallPolicy::rule_for(std::string_view method, std::string_view path) const {
  for (const CallRoute& route : options_.routes) {
    const bool methods_match =
        route.methods.empty() || std::ranges::find(route.methods, method) != route.methods.end();
    if (methods_match && matches_route(route.path, path)) return route.rule;
  }
  return options_.otherwise;
}

BootClock::duration CallPolicy::backoff(const CallRule& rule, int repeat) {
  BootClock::duration pause = rule.backoff_first;
  for (int i = 1; i < repeat && pause < rule.backoff_max; ++i) pause *= 2;
  pause = std::min<BootClock::duration>(pause, rule.backoff_max);
  const auto half = pause / 2;
  return half + std::chrono::duration_cast<BootClock::duration>(half * entropy_->unit());
}

}  // namespace countersign::consumer
