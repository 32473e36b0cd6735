#include "http/message.h"

#include "core/ascii.h"
#include "http/char_class.h"

namespace countersign::http {
namespace {

using ascii::equal_ignoring_case;

// Told apart by length first: most fields of a message cost one comparison or none.
bool is_hop_by_hop_by_nature(std::string_view name) {
  switch (name.size()) {
    case 2:
      return equal_ignoring_case(name, "te");
    case 7:
      return equal_ignoring_case(name, "upgrade") || equal_ignoring_case(name, "trailer");
    case 10:
      return equal_ignoring_case(name, "connection") || equal_ignoring_case(name, "keep-alive");
    case 14:
      return equal_ignoring_case(name, "http2-settings");
    case 16:
      return equal_ignoring_case(name, "proxy-connection");
    case 17:
      return equal_ignoring_case(name, "transfer-encoding");
    case 18:
      return equal_ignoring_case(name, "proxy-authenticate");
    case 19:
      return equal_ignoring_case(name, "proxy-authorization");
    case 25:
      return equal_ignoring_case(name, "proxy-authentication-info");
    default:
      return false;
  }
}

bool names_option(std::string_view value, std::string_view option) {
  while (!value.empty()) {
    const size_t comma = value.find(',');
    if (equal_ignoring_case(ascii::trim(value.substr(0, comma)), option)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

const Field* Head::find(std::string_view name) const {
  for (const Field& field : fields) {
    if (equal_ignoring_case(field.name, name)) return &field;
  }
  return nullptr;
}

std::string_view Head::value(std::string_view name) const {
  const Field* field = find(name);
  return field ? field->value : std::string_view();
}

size_t Head::count(std::string_view name) const {
  size_t found = 0;
  for (const Field& field : fields) found += equal_ignoring_case(field.name, name) ? 1 : 0;
  return found;
}

bool Head::is_hop_by_hop(std::string_view name) const {
  if (is_hop_by_hop_by_nature(name)) return true;
  if (!connection_names_fields) return false;
  for (const Field& field : fields) {
    if (equal_ignoring_case(field.name, "connection") && names_option(field.value, name))
      return true;
  }
  return false;
}

bool is_token(std::string_view text) {
  return !text.empty() && chars::all(text, chars::token);
}

bool is_field_value(std::string_view text) {
  return chars::skip_field_value(text, 0) == text.size();
}

}  // namespace countersign::http
