// RouteTable: method + path template (http/path_tree.h) → what a caller needs. Compiled once, then
// read by every loop without a lock.
//
// Matches canonical paths only (http/target.h): what "..", "%2f" or "//" could mean is decided
// before, once. Compares bytes: paths are case-sensitive.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "http/path_tree.h"
#include "protocol/scope.h"

namespace countersign::provider {

struct RouteOptions {
  std::vector<std::string> methods;  // exactly these: GET does not include HEAD
  std::string path;                  // a template: "/v1/payments/{id}"
  std::vector<std::string> scopes;   // the caller needs all of them
  std::vector<std::string> schemes;  // accepted here; empty: those of the gateway
  // Lets every authenticated client in. Without it a route that names no scope is an error, because
  // it is more often an oversight.
  bool unsafe_any_scope = false;
};

struct Route {
  std::string path;
  protocol::ScopeSet scopes;
  uint32_t schemes = 0;  // bit i: row i of the scheme registry; 0: those of the gateway
};

struct RouteMatch {
  enum class Kind {
    found,
    path_unknown,        // no template matches
    method_not_allowed,  // the most specific template that matches has no such method
  };
  Kind kind = Kind::path_unknown;
  const Route* route = nullptr;      // found only
  std::string_view allowed_methods;  // for the Allow field: "GET, POST"; empty if path_unknown
};

class RouteTable final {
 public:
  // `route.bad_path`, `route.bad_method`, `route.duplicate`, `route.no_scopes`, `route.bad_scope`,
  // `route.unknown_scheme`; the detail
  // names the route.
  static Result<RouteTable> create(const std::vector<RouteOptions>& routes);

  // `canonical_path` begins with '/', has no query. The template whose first differing segment is
  // literal wins over {name}, and {name} over {name...}; it alone decides about the method. Fails
  // closed: what matches nothing is not found. At most as many steps as there are nodes.
  RouteMatch match(std::string_view method, std::string_view canonical_path) const;

  size_t size() const { return routes_.size(); }

 private:
  // What a template has.
  struct Methods {
    std::vector<std::pair<std::string, const Route*>> routes;
    std::string allowed;  // "GET, POST"

    const Route* route_of(std::string_view method) const;
  };
  RouteTable() = default;
  Result<void> add(const RouteOptions& options);

  http::PathTree paths_;
  std::vector<Methods> methods_;  // by the template's number
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace countersign::provider
