// RouteTable: method + path template → what a caller needs. Compiled once into a tree of segments,
// then read by every loop without a lock.
//
// Matches canonical paths only (http/target.h): what "..", "%2f" or "//" could mean is decided
// before, once. Compares bytes: paths are case-sensitive.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "protocol/scope.h"

namespace countersign::provider {

// "/v1/payments/{id}": a segment is literal text, or {name} for exactly one non-empty segment;
// {name...} as the last one takes one or more segments.
struct RouteOptions {
  std::vector<std::string> methods;  // exactly these: GET does not include HEAD
  std::string path;
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
  RouteTable(RouteTable&&) noexcept;
  RouteTable& operator=(RouteTable&&) noexcept;
  ~RouteTable();

  // `canonical_path` begins with '/', has no query. The template whose first differing segment is
  // literal wins over {name}, and {name} over {name...}; it alone decides about the method. Fails
  // closed: what matches nothing is not found. At most as many steps as there are nodes.
  RouteMatch match(std::string_view method, std::string_view canonical_path) const;

  size_t size() const { return routes_.size(); }

 private:
  struct Node;
  RouteTable();
  Result<void> add(const RouteOptions& options);
  Result<Node*> node_for(std::string_view path);
  static const Node* find(const Node& node, std::string_view rest);

  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace countersign::provider
