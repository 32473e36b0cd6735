#include "provider/gateway/upstream_failure.h"

#include <string_view>

namespace countersign::provider {

using protocol::Denial;
using protocol::Reason;

bool is_client_failure(const Error& error) {
  return error.code.starts_with("http.client_");
}

Denial denial_of(const Error& error, http::SendState state) {
  const auto reason = [&] {
    if (error.kind == ErrorKind::too_large && is_client_failure(error))
      return Reason::body_too_large;
    if (is_client_failure(error)) return Reason::request_malformed;
    if (error.code == "net.too_many_connections") return Reason::overloaded;
    if (error.code == "http.bad_field") return Reason::internal_error;
    if (state == http::SendState::not_sent) return Reason::upstream_unavailable;
    if (error.kind == ErrorKind::timed_out) return Reason::upstream_timeout;
    return Reason::upstream_bad_response;
  };
  return {reason(), error.for_log()};
}

bool may_send_again(const Error& error, const http::ClientExchange& upstream,
                    const http::RequestHead& request) {
  if (is_client_failure(error) || error.kind == ErrorKind::timed_out) return false;
  if (!upstream.reused_connection()) return false;
  if (upstream.send_state() == http::SendState::not_sent) return true;
  return upstream.send_state() == http::SendState::unknown && request.is_safe();
}

}  // namespace countersign::provider
