#include "consumer/egress/egress_target.h"

#include "core/ascii.h"

namespace countersign::consumer {
namespace {

// The byte that `text` begins with, a percent-encoded one decoded if it matters to segments. Takes
// it off.
char take_byte(std::string_view& text) {
  const char first = text.front();
  if (first == '%' && text.size() >= 3) {
    const char low = ascii::to_lower(text[2]);
    const char decoded = text[1] == '2' && low == 'e'   ? '.'
                         : text[1] == '2' && low == 'f' ? '/'
                         : text[1] == '5' && low == 'c' ? '/'
                         : text[1] == '3' && low == 'b' ? ';'
                                                        : '\0';
    if (decoded != '\0') {
      text.remove_prefix(3);
      return decoded;
    }
  }
  text.remove_prefix(1);
  return first == '\\' ? '/' : first;
}

}  // namespace

bool has_dot_segment(std::string_view path) {
  if (path.find('.') == std::string_view::npos && path.find('%') == std::string_view::npos)
    return false;
  int dots = 0;
  bool only_dots = true;
  bool in_parameter = false;
  while (!path.empty()) {
    const char c = take_byte(path);
    if (c == '/') {
      if (only_dots && (dots == 1 || dots == 2)) return true;
      dots = 0;
      only_dots = true;
      in_parameter = false;
    } else if (c == ';') {
      in_parameter = true;
    } else if (!in_parameter) {
      dots += c == '.' ? 1 : 0;
      only_dots = only_dots && c == '.';
    }
  }
  return only_dots && (dots == 1 || dots == 2);
}

bool is_below(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  return path.size() == prefix.size() ? !path.empty() : path[prefix.size()] == '/';
}

std::string_view outgoing_target(const http::RequestHead& request, size_t stripped,
                                 std::string& storage) {
  const bool origin_form = request.target.starts_with('/');
  if (origin_form && request.target.size() > stripped && request.target[stripped] == '/') {
    return request.target.substr(stripped);
  }
  storage = request.path.substr(stripped);
  if (storage.empty()) storage = "/";
  if (!request.query.empty()) storage.append(1, '?').append(request.query);
  return storage;
}

}  // namespace countersign::consumer
