#include "provider/gateway/route_table.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "http/message.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

struct RouteTable::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;  // sorted by text
  std::unique_ptr<Node> parameter;                                      // {name}
  std::unique_ptr<Node> rest;                                           // {name...}; a leaf

  // A route ends here if this is not empty.
  std::vector<std::pair<std::string, const Route*>> methods;
  std::string allowed_methods;

  const Route* route_of(std::string_view method) const {
    for (const auto& [name, route] : methods) {
      if (name == method) return route;
    }
    return nullptr;
  }
};

namespace {

// RFC 3986 §3.3: pchar without percent-encoding, which a canonical path has only for what needs it.
bool is_literal_segment(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != ".." &&
         std::ranges::all_of(segment, [](char c) {
           return ascii::is_alnum(c) || std::string_view("-._~!$&'()*+,=:@%").contains(c);
         });
}

bool is_parameter_name(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return ascii::is_alnum(c) || c == '_'; });
}

// Takes the first segment off `rest`, which begins with '/'.
std::string_view take_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  const std::string_view segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return segment;
}

std::unexpected<Error> refuse(std::string_view code, std::string_view what, std::string_view path) {
  return fail(ErrorKind::misconfigured, code, what, path);
}

Result<uint32_t> scheme_bits(const std::vector<std::string>& names, std::string_view path) {
  uint32_t bits = 0;
  for (const std::string& name : names) {
    const SchemeRow* row = find_scheme(name);
    if (row == nullptr) {
      return refuse("route.unknown_scheme", "A route names a scheme that does not exist.",
                    std::string(path) + ": " + name);
    }
    bits |= scheme_bit(*row);
  }
  return bits;
}

}  // namespace

RouteTable::RouteTable() : root_(std::make_unique<Node>()) {}
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;
RouteTable::~RouteTable() = default;

Result<RouteTable> RouteTable::create(const std::vector<RouteOptions>& routes) {
  RouteTable table;
  for (const RouteOptions& options : routes) CS_CHECK(table.add(options));
  return table;
}

Result<RouteTable::Node*> RouteTable::node_for(std::string_view path) {
  const auto bad_path = [path](std::string_view what) {
    return refuse("route.bad_path", what, path);
  };
  if (!path.starts_with('/')) return bad_path("A route's path begins with '/'.");
  Node* node = root_.get();
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view segment = take_segment(rest);
    if (segment.starts_with('{') && segment.ends_with("...}")) {
      if (!is_parameter_name(segment.substr(1, segment.size() - 5)) || !rest.empty()) {
        return bad_path("{name...} stands alone in the last segment of a route's path.");
      }
      if (!node->rest) node->rest = std::make_unique<Node>();
      node = node->rest.get();
    } else if (segment.starts_with('{')) {
      if (!segment.ends_with('}') || !is_parameter_name(segment.substr(1, segment.size() - 2))) {
        return bad_path("{name} stands alone in a segment of a route's path.");
      }
      if (!node->parameter) node->parameter = std::make_unique<Node>();
      node = node->parameter.get();
    } else if (is_literal_segment(segment) || (segment.empty() && rest.empty())) {
      auto place = std::ranges::lower_bound(node->literals, segment, {}, [](const auto& literal) {
        return std::string_view(literal.first);
      });
      if (place == node->literals.end() || place->first != segment) {
        place = node->literals.emplace(place, std::string(segment), std::make_unique<Node>());
      }
      node = place->second.get();
    } else {
      return bad_path("A segment of a route's path is empty or has characters that no path has.");
    }
  }
  return node;
}

Result<void> RouteTable::add(const RouteOptions& options) {
  if (options.scopes.empty() && !options.unsafe_any_scope) {
    return refuse("route.no_scopes",
                  "A route names no scope; unsafe_any_scope lets every client in.", options.path);
  }
  if (options.methods.empty()) {
    return refuse("route.bad_method", "A route names no method.", options.path);
  }
  CS_TRY(const uint32_t schemes, scheme_bits(options.schemes, options.path));
  auto scopes = protocol::ScopeSet::from_names(options.scopes);
  if (!scopes) {
    return refuse("route.bad_scope", "A route names a scope that cannot be one.", options.path);
  }
  CS_TRY(Node * node, node_for(options.path));
  routes_.push_back(std::make_unique<Route>(Route{options.path, *std::move(scopes), schemes}));
  for (const std::string& method : options.methods) {
    // CONNECT would make a tunnel and TRACE would show the request's credentials.
    if (!http::is_token(method) || method == "CONNECT" || method == "TRACE") {
      return refuse("route.bad_method", "A route names a method that cannot be routed.",
                    options.path + ": " + method);
    }
    if (node->route_of(method) != nullptr) {
      return refuse("route.duplicate", "Two routes have the same method and path.",
                    method + " " + options.path);
    }
    node->methods.emplace_back(method, routes_.back().get());
    if (!node->allowed_methods.empty()) node->allowed_methods += ", ";
    node->allowed_methods += method;
  }
  return {};
}

// The most specific node a route ends at. Every node is visited at most once: its depth is the
// segment's index.
const RouteTable::Node* RouteTable::find(const Node& node, std::string_view rest) {
  if (rest.empty()) return node.methods.empty() ? nullptr : &node;
  const std::string_view all_of_it = rest;
  const std::string_view segment = take_segment(rest);
  const auto literal = std::ranges::lower_bound(
      node.literals, segment, {}, [](const auto& item) { return std::string_view(item.first); });
  if (literal != node.literals.end() && literal->first == segment) {
    if (const Node* found = find(*literal->second, rest)) return found;
  }
  if (node.parameter && !segment.empty()) {
    if (const Node* found = find(*node.parameter, rest)) return found;
  }
  return node.rest && all_of_it.size() > 1 ? node.rest.get() : nullptr;
}

RouteMatch RouteTable::match(std::string_view method, std::string_view canonical_path) const {
  if (!canonical_path.starts_with('/')) return {};
  const Node* node = find(*root_, canonical_path);
  if (node == nullptr) return {};
  const Route* route = node->route_of(method);
  return {route != nullptr ? RouteMatch::Kind::found : RouteMatch::Kind::method_not_allowed, route,
          node->allowed_methods};
}

}  // namespace countersign::provider
