// PathTree: path templates, compiled once into a tree of segments, then matched by any thread
// without a lock. Gateway routes and the egress's caller rules are both made of it, so that a
// template means the same everywhere.
//
// Matches canonical paths only (http/target.h): what "..", "%2f" or "//" could mean is decided
// before, once. Compares bytes: paths are case-sensitive. Knows nothing of methods.

#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "core/result.h"

namespace countersign::http {

// "/v1/payments/{id}": a segment is literal text, or {name} for exactly one non-empty segment;
// {name...} as the last one takes one or more segments.
class PathTree final {
 public:
  PathTree();
  PathTree(PathTree&&) noexcept;
  PathTree& operator=(PathTree&&) noexcept;
  ~PathTree();

  // The template's number: 0, 1, 2, … in order; one that matches the same paths has the same. What
  // `path.bad_template` says is wrong with it is a whole sentence.
  Result<size_t> add(std::string_view path_template);

  // The number of the template that matches. The one whose first differing segment is literal wins
  // over {name}, and {name} over {name...}. At most as many steps as there are nodes.
  std::optional<size_t> match(std::string_view canonical_path) const;

  size_t size() const { return size_; }

 private:
  struct Node;
  Result<Node*> node_for(std::string_view path);
  static const Node* find(const Node& node, std::string_view rest);

  std::unique_ptr<Node> root_;
  size_t size_ = 0;
};

}  // namespace countersign::http
