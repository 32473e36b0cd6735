// Whatever path arrives: it is refused as not canonical, or it matches the way a plain reading of
// the templates says.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/target.h"
#include "provider/gateway/header_hygiene.h"
#include "provider/gateway/route_table.h"

namespace {

using countersign::provider::RouteMatch;
using countersign::provider::RouteOptions;
using countersign::provider::RouteTable;

const RouteTable& routes() {
  static const RouteTable table = [] {
    std::vector<RouteOptions> options;
    for (const char* path :
         {"/", "/v1/payments", "/v1/payments/{id}", "/v1/payments/{id}/refunds",
          "/v1/payments/search", "/v1/{kind}/{id}/refunds/{refund}", "/files/{path...}"}) {
      options.push_back({.methods = {"GET"}, .path = path, .scopes = {"s"}, .schemes = {}});
    }
    auto made = RouteTable::create(options);
    if (!made) std::abort();
    return *std::move(made);
  }();
  return table;
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    segments.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(segments.back().size());
  }
  return segments;
}

// Whether the path is an instance of the template, read segment by segment.
bool is_instance(std::string_view path, std::string_view route) {
  const auto got = segments_of(path);
  const auto wanted = segments_of(route);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].ends_with("...}")) return got.size() > i && !got[i].empty();
    if (i >= got.size()) return false;
    if (wanted[i].starts_with('{') ? got[i].empty() : got[i] != wanted[i]) return false;
  }
  return got.size() == wanted.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto path = countersign::http::parse_canonical_path(input);
  // The matcher itself must bear any bytes, too.
  const RouteMatch match = routes().match("GET", input);
  if (match.kind == RouteMatch::Kind::method_not_allowed) std::abort();
  if ((match.kind == RouteMatch::Kind::found) != (match.route != nullptr)) std::abort();
  if (path && match.route != nullptr && !is_instance(input, match.route->path)) std::abort();
  if (input.find("..") != std::string_view::npos && path && match.route != nullptr) {
    for (const std::string_view segment : segments_of(input)) {
      if (segment == "..") std::abort();
    }
  }
  // A name is taken in one spelling if and only if it is in another.
  std::string other(input);
  for (char& c : other) {
    if (c == '-') c = '_';
  }
  if (countersign::provider::is_identity_field(input) !=
      countersign::provider::is_identity_field(other)) {
    std::abort();
  }
  return 0;
}
