#include "client/request_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "client/api_call.h"
#include "consumer/egress/egress_target.h"
#include "consumer/idempotency_key.h"
#include "core/ascii.h"
#include "http/target.h"

namespace countersign::client {
namespace {

constexpr size_t target_bytes_max = 8 * 1024;  // RFC 9112 §3 asks servers for at least 8000
constexpr size_t fields_max = 100;

// Written by the connection, or by the library.
constexpr std::array<std::string_view, 11> own_fields = {
    "connection", "content-length",    "expect", "idempotency-key",
    "keep-alive", "proxy-connection",  "te",     "trailer",
    "upgrade",    "transfer-encoding", "host"};

std::unexpected<Error> wrong(std::string_view text) {
  return fail(ErrorKind::invalid_input, "client.bad_request", text);
}

Result<void> check_target(std::string_view target) {
  if (!target.starts_with('/') || target.size() > target_bytes_max)
    return wrong("target: expected a path that begins with '/', of at most 8 KiB");
  if (!http::is_target_text(target))
    return wrong("target: a character that must be percent-encoded");
  if (consumer::has_dot_segment(http::split_target(target).path))
    return wrong("target: a segment that a server could take for \".\" or \"..\"");
  return {};
}

Result<void> check_field(const Field& field, const consumer::FieldFilter& filter) {
  if (!http::is_token(field.name)) return wrong("fields: a name that is none");
  const bool own = std::ranges::any_of(own_fields, [&](std::string_view name) {
    return ascii::equal_ignoring_case(field.name, name);
  });
  if (own || !filter.request_passes(field.name))
    return wrong("fields: " + field.name + " is not the caller's to write");
  if (!field.value.empty() && !http::is_field_value(field.value))
    return wrong("fields: the value of " + field.name + " holds a control character");
  return {};
}

}  // namespace

Result<void> check_request(const Request& request, const consumer::FieldFilter& filter) {
  if (!http::is_token(request.method)) return wrong("method: not the name of a method");
  // TRACE would echo the credential; CONNECT asks for a tunnel.
  if (request.method == "CONNECT" || request.method == "TRACE")
    return wrong("method: CONNECT and TRACE are not for calling APIs");
  CS_CHECK(check_target(request.target));
  if (request.fields.size() > fields_max) return wrong("fields: more than 100");
  for (const Field& field : request.fields) CS_CHECK(check_field(field, filter));
  if (request.body.size() > request_body_bytes_max) return wrong("body: more than 64 MiB");
  if (!request.idempotency_key.empty() && !consumer::is_idempotency_key(request.idempotency_key))
    return wrong("idempotency_key: expected 1 to 255 printable ASCII characters");
  return {};
}

}  // namespace countersign::client
