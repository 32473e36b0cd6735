#include "provider/gateway/header_hygiene.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/ascii.h"
#include "protocol/trace_context.h"

namespace countersign::provider {

namespace {

struct Row {
  std::string_view name;
  bool prefix = false;  // the name and everything that begins with it
};

// Sorted by the first letter; lower case, with '-'.
constexpr auto rows = std::to_array<Row>({
    {"authorization"},
    {"baggage"},  // W3C: propagates whatever the sender likes, also to what trusts it
    {"cf-connecting-ip"},
    {"client-cert", true},  // RFC 9440, Client-Cert-Chain too
    {"client-ip"},
    {"countersign-", true},
    {"dpop"},
    {"fastly-client-ip"},
    {"forwarded"},  // RFC 7239
    {"forwarded-for"},
    {"proxy"},  // CGI turns it into HTTP_PROXY
    {"proxy-authorization"},
    {"remote-", true},
    {"ssl-", true},
    {"traceparent"},  // written anew if well-formed
    {"tracestate"},
    {"true-client-ip"},
    {"x-amzn-mtls-", true},
    {"x-api-key"},
    {"x-arr-clientcert"},
    {"x-auth-", true},
    {"x-authenticated-", true},
    {"x-client-", true},
    {"x-cluster-client-ip"},
    {"x-consumer-", true},
    {"x-credential-", true},
    {"x-envoy-", true},
    {"x-forwarded", true},
    {"x-forward-", true},
    {"x-goog-authenticated-", true},
    {"x-host"},
    {"x-http-method", true},  // X-HTTP-Method-Override too: would pass a POST as a GET
    {"x-method-override"},
    {"x-original-", true},
    {"x-real-ip"},
    {"x-remote-", true},
    {"x-rewrite-url"},
    {"x-ssl-", true},
    {"x-tls-", true},
    {"x-user"},
    {"x-user-id"},
    {"x-username"},
    {"xfcc"},
});

constexpr size_t name_bytes_max = 32;  // longer than any row
static_assert(std::ranges::all_of(rows,
                                  [](const Row& row) { return row.name.size() < name_bytes_max; }));
static_assert(std::ranges::is_sorted(rows, {}, [](const Row& row) { return row.name.front(); }));

// Where the rows of each letter begin; one more for the end.
constexpr auto starts = [] {
  std::array<uint8_t, 27> table{};
  for (size_t letter = 0; letter < table.size(); ++letter) {
    table[letter] = static_cast<uint8_t>(std::ranges::count_if(
        rows, [&](const Row& row) { return row.name.front() < static_cast<char>('a' + letter); }));
  }
  return table;
}();

constexpr char spelled(char c) {
  return ascii::is_alnum(c) ? ascii::to_lower(c) : '-';
}

}  // namespace

bool is_identity_field(std::string_view name) {
  if (name.empty()) return true;
  const char first = spelled(name.front());
  // A name that begins with something else, "-Forwarded" or "_X", is no common field: not worth a
  // risk.
  if (!ascii::is_lower(first)) return true;
  std::array<char, name_bytes_max> buffer;
  const size_t bytes = std::min(name.size(), buffer.size());
  std::transform(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(bytes), buffer.begin(),
                 spelled);
  const std::string_view normal(buffer.data(), bytes);
  const auto letter = static_cast<size_t>(first - 'a');
  for (size_t i = starts[letter]; i < starts[letter + 1]; ++i) {
    if (rows[i].prefix ? normal.starts_with(rows[i].name) : normal == rows[i].name) return true;
  }
  return false;
}

bool same_field_in_any_spelling(std::string_view name, std::string_view other) {
  return std::ranges::equal(name, other, {}, spelled, spelled);
}

bool is_traceparent(std::string_view value) {
  return value.starts_with("00-") && protocol::TraceContext::parse(value).has_value();
}

}  // namespace countersign::provider
