#include "consumer/egress/location.h"

#include "consumer/egress/egress_target.h"
#include "core/ascii.h"

namespace countersign::consumer {
namespace {

// What follows the origin in `location`; nullopt if it is of another one.
std::optional<std::string_view> behind_origin(std::string_view location, std::string_view origin) {
  if (origin.empty() || location.size() < origin.size() ||
      !ascii::equal_ignoring_case(location.substr(0, origin.size()), origin)) {
    return std::nullopt;
  }
  std::string_view rest = location.substr(origin.size());
  constexpr std::string_view default_port = ":443";
  const bool names_no_port = origin.rfind(':') == origin.find(':');
  if (names_no_port && rest.starts_with(default_port)) rest.remove_prefix(default_port.size());
  // More of a host name or port is another host.
  if (!rest.empty() && std::string_view("/?#").find(rest.front()) == std::string_view::npos)
    return std::nullopt;
  return rest;
}

}  // namespace

std::optional<std::string> rewritten_location(std::string_view location,
                                              const LocationRules& rules) {
  const auto behind = behind_origin(location, rules.origin);
  const bool absolute_path = location.starts_with('/') && !location.starts_with("//");
  if (!behind && (!absolute_path || !rules.strip_prefix || rules.prefix.empty()))
    return std::nullopt;
  const std::string_view rest = behind ? *behind : location;
  // "//…" behind an origin would become a reference to another host.
  if (rest.starts_with("//")) return std::nullopt;
  std::string out(rules.strip_prefix ? rules.prefix : std::string_view());
  if (!rest.starts_with('/')) out += '/';
  out += rest;
  const std::string_view path = std::string_view(out).substr(0, out.find_first_of("?#"));
  // Without stripping, only what is below the prefix comes back to this API.
  if (!rules.strip_prefix && !is_below(path, rules.prefix)) return std::nullopt;
  if (has_dot_segment(path)) return std::nullopt;
  return out;
}

}  // namespace countersign::consumer
