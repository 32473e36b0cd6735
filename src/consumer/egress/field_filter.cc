#include "consumer/egress/field_filter.h"

#include <algorithm>

#include "core/ascii.h"

namespace countersign::consumer {
namespace {

constexpr char fold(char c) {
  return ascii::is_alnum(c) ? ascii::to_lower(c) : '-';
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

bool is_dropped_x_field(std::string_view name) {
  if (name.size() < 3) return false;
  switch (fold(name[2])) {
    case 'a':
      return is(name, "x-api-key") || begins(name, "x-amzn-mtls-") ||
             begins(name, "x-arr-clientcert") || begins(name, "x-auth");
    case 'c':
      return begins(name, "x-client-cert") || begins(name, "x-client-dn") ||
             begins(name, "x-client-verif") || begins(name, "x-client-san") ||
             begins(name, "x-client-subject") || is(name, "x-client-ip") ||
             is(name, "x-cluster-client-ip");
    case 'f':
      return begins(name, "x-forward");
    case 'h':
      return begins(name, "x-http-method") || is(name, "x-host");
    case 'm':
      return is(name, "x-method-override");
    case 'o':
      return begins(name, "x-original-");
    case 'r':
      return is(name, "x-real-ip") || begins(name, "x-remote-") || is(name, "x-rewrite-url");
    case 's':
      return begins(name, "x-ssl-");
    case 't':
      return begins(name, "x-tls-");
    default:
      return false;
  }
}

// Told apart by the first letter: an ordinary field costs a jump and at most a few compares of
// lengths.
bool is_dropped_from_requests(std::string_view name) {
  switch (fold(name.front())) {
    case 'a':
      return is(name, "authorization") || is(name, "alt-used");
    case 'b':
      return is(name, "baggage");
    case 'c':
      return begins(name, "cookie") || begins(name, "client-cert") ||
             begins(name, "countersign-") || is(name, "client-ip") || is(name, "cf-connecting-ip");
    case 'd':
      return begins(name, "dpop");
    case 'e':
      return is(name, "early-data");
    case 'f':
      return begins(name, "forwarded");
    case 'h':
      return is(name, "host");
    case 'o':
      return is(name, "origin");
    case 'p':
      return is(name, "proxy") || begins(name, "proxy-");
    case 'r':
      return begins(name, "remote-");
    case 's':
      return begins(name, "signature") || begins(name, "ssl-");
    case 't':
      return is(name, "traceparent") || is(name, "tracestate") || is(name, "true-client-ip");
    case 'x':
      return is_dropped_x_field(name);
    default:
      // A name that does not begin with a letter is no common field: not worth a risk.
      return !ascii::is_lower(fold(name.front()));
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
    case 'e':
      return !is(name, "expect-ct");
    case 'n':
      return !is(name, "nel");
    case 'p':
      return !begins(name, "public-key-pins");
    case 'r':
      return !is(name, "report-to") && !is(name, "reporting-endpoints");
    case 's':
      return !is(name, "strict-transport-security") && !begins(name, "set-cookie");
    default:
      return true;
  }
}

}  // namespace countersign::consumer
