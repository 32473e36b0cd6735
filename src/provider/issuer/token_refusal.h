// Why a token request was refused: what the standard's client reads (RFC 6749 §5.2) and the reason
// that both companies can look up.

#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "core/error.h"
#include "protocol/oauth_error.h"
#include "protocol/reason.h"

namespace countersign::provider {

struct TokenRefusal {
  protocol::OAuthError error = protocol::OAuthError::server_error;
  protocol::Denial denial;
  std::string public_text;  // what exactly is wrong with the request; empty: the reason's own words

  // RFC 6749 §5.2 has a status for each error; a malformed request's says more (405, 413, 415).
  int status() const {
    return error == protocol::OAuthError::invalid_request ? protocol::status_of(denial.reason)
                                                          : protocol::row_of(error).status;
  }
};

template <typename T = void>
using TokenVerdict = std::expected<T, TokenRefusal>;

inline std::unexpected<TokenRefusal> refuse(protocol::OAuthError error, protocol::Reason reason,
                                            std::string_view private_detail = {}) {
  return std::unexpected(TokenRefusal{error, {reason, std::string(private_detail)}, {}});
}
// A request that cannot be read, in the words of what read it.
inline std::unexpected<TokenRefusal> refuse(protocol::OAuthError error, protocol::Reason reason,
                                            const Error& cause) {
  return std::unexpected(TokenRefusal{error, {reason, cause.code}, cause.public_text});
}

}  // namespace countersign::provider
