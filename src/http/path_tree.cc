#include "http/path_tree.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/ascii.h"

namespace countersign::http {

struct PathTree::Node {
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;  // sorted by text
  std::unique_ptr<Node> parameter;                                      // {name}
  std::unique_ptr<Node> rest;                                           // {name...}; a leaf
  std::optional<size_t> number;                                         // a template ends here

  Node& literal(std::string_view segment) {
    auto place = std::ranges::lower_bound(
        literals, segment, {}, [](const auto& item) { return std::string_view(item.first); });
    if (place == literals.end() || place->first != segment)
      place = literals.emplace(place, std::string(segment), std::make_unique<Node>());
    return *place->second;
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

}  // namespace

PathTree::PathTree() : root_(std::make_unique<Node>()) {}
PathTree::PathTree(PathTree&&) noexcept = default;
PathTree& PathTree::operator=(PathTree&&) noexcept = default;
PathTree::~PathTree() = default;

Result<PathTree::Node*> PathTree::node_for(std::string_view path) {
  const auto bad = [path](std::string_view what) {
    return fail(ErrorKind::misconfigured, "path.bad_template", what, path);
  };
  const auto child = [](std::unique_ptr<Node>& place) {
    if (!place) place = std::make_unique<Node>();
    return place.get();
  };
  if (!path.starts_with('/')) return bad("A route's path begins with '/'.");
  Node* node = root_.get();
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view segment = take_segment(rest);
    if (segment.starts_with('{') && segment.ends_with("...}")) {
      if (!is_parameter_name(segment.substr(1, segment.size() - 5)) || !rest.empty())
        return bad("{name...} stands alone in the last segment of a route's path.");
      node = child(node->rest);
    } else if (segment.starts_with('{')) {
      if (!segment.ends_with('}') || !is_parameter_name(segment.substr(1, segment.size() - 2)))
        return bad("{name} stands alone in a segment of a route's path.");
      node = child(node->parameter);
    } else if (is_literal_segment(segment) || (segment.empty() && rest.empty())) {
      node = &node->literal(segment);
    } else {
      return bad("A segment of a route's path is empty or has characters that no path has.");
    }
  }
  return node;
}

Result<size_t> PathTree::add(std::string_view path_template) {
  CS_TRY(Node * node, node_for(path_template));
  if (!node->number) node->number = size_++;
  return *node->number;
}

// The most specific node a template ends at. Every node is visited at most once: its depth is the
// segment's index.
const PathTree::Node* PathTree::find(const Node& node, std::string_view rest) {
  if (rest.empty()) return node.number ? &node : nullptr;
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

std::optional<size_t> PathTree::match(std::string_view canonical_path) const {
  if (!canonical_path.starts_with('/')) return std::nullopt;
  const Node* node = find(*root_, canonical_path);
  if (node == nullptr) return std::nullopt;
  return node->number;
}

}  // namespace countersign::http
