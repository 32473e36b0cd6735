#include "provider/gateway/route_table.h"

#include <utility>

#include "http/message.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

namespace {

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

const Route* RouteTable::Methods::route_of(std::string_view method) const {
  for (const auto& [name, route] : routes) {
    if (name == method) return route;
  }
  return nullptr;
}

Result<RouteTable> RouteTable::create(const std::vector<RouteOptions>& routes) {
  RouteTable table;
  for (const RouteOptions& options : routes) CS_CHECK(table.add(options));
  return table;
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
  const auto number = paths_.add(options.path);
  if (!number) return refuse("route.bad_path", number.error().public_text, options.path);
  methods_.resize(paths_.size());
  Methods& methods = methods_[*number];
  routes_.push_back(std::make_unique<Route>(Route{options.path, *std::move(scopes), schemes}));
  for (const std::string& method : options.methods) {
    // CONNECT would make a tunnel and TRACE would show the request's credentials.
    if (!http::is_token(method) || method == "CONNECT" || method == "TRACE") {
      return refuse("route.bad_method", "A route names a method that cannot be routed.",
                    options.path + ": " + method);
    }
    if (methods.route_of(method) != nullptr) {
      return refuse("route.duplicate", "Two routes have the same method and path.",
                    method + " " + options.path);
    }
    methods.routes.emplace_back(method, routes_.back().get());
    if (!methods.allowed.empty()) methods.allowed += ", ";
    methods.allowed += method;
  }
  return {};
}

RouteMatch RouteTable::match(std::string_view method, std::string_view canonical_path) const {
  const auto number = paths_.match(canonical_path);
  if (!number) return {};
  const Methods& methods = methods_[*number];
  const Route* route = methods.route_of(method);
  return {route != nullptr ? RouteMatch::Kind::found : RouteMatch::Kind::method_not_allowed, route,
          methods.allowed};
}

}  // namespace countersign::provider
