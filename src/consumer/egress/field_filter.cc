#include "consumer/egress/field_filter.h"

#include <algorithm>

#include "core/ascii.h"

namespace countersign::consumer {
namespace {

constexpr char fold(char c) {
  return c == '_' ? '-' : ascii::to_lower(c);
}

bool begins(std::string_view name, std::string_view folded) {
  if (name.size() < folded.size()) return false;
  for (size_t i = 0; i < folded.size(); ++i) {
    if (fold(name[i]) != folded[i]) return false;
  }
  return true;
}

bool is(std::string_view name, std::string_view folded) {
  return name.size() == folded.size() && begins(name, folded);
}

// Told apart by the first letter: an ordinary field costs a jump and at most a few compares of
// lengths.
bool is_dropped_from_requests(std::string_view name) {
  switch (fold(name.front())) {
    case 'a':
      return is(name, "authorization") || is(name, "alt-used");
    case 'c':
      return begins(name, "cookie") || begins(name, "client-cert") || begins(name, "countersign-");
    case 'd':
      return begins(name, "dpop");
    case 'e':
      return is(name, "early-data");
    case 'f':
      return is(name, "forwarded");
    case 'h':
      return is(name, "host");
    case 'o':
      return is(name, "origin");
    case 'p':
      return is(name, "proxy") || begins(name, "proxy-");
    case 's':
      return begins(name, "signature") || begins(name, "ssl-client-");
    case 'x':
      return begins(name, "x-forwarded") || is(name, "x-api-key") || is(name, "x-real-ip") ||
             begins(name, "x-client-cert") || begins(name, "x-ssl-") ||
             begins(name, "x-original-") || is(name, "x-rewrite-url");
    default:
      return false;
  }
}

std::string folded(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), fold);
  return out;
}

}  // namespace

FieldFilter::FieldFilter(std::vector<std::string> credential_fields) {
  for (const std::string& name : credential_fields) {
    if (!name.empty() && !is_dropped_from_requests(name))
      credential_fields_.push_back(folded(name));
  }
}

bool FieldFilter::request_passes(std::string_view name) const {
  if (name.empty() || is_dropped_from_requests(name)) return false;
  return std::ranges::none_of(credential_fields_,
                              [name](const std::string& other) { return is(name, other); });
}

bool response_field_passes(std::string_view name) {
  if (name.empty()) return false;
  switch (fold(name.front())) {
    case 'a':
      return !is(name, "alt-svc");
    case 'c':
      return !is(name, "clear-site-data") && !is(name, "countersign-outcome") &&
             !is(name, "countersign-attempts") && !is(name, "countersign-idempotency-key");
    case 'p':
      return !begins(name, "public-key-pins");
    case 's':
      return !is(name, "strict-transport-security") && !begins(name, "set-cookie");
    default:
      return true;
  }
}

}  // namespace countersign::consumer
