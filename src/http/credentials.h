// Authorization: the credential a request carries (RFC 9110 §11.6.2), of the schemes that carry one
// token. That there is exactly one Authorization field is for the caller to check (Head::count).

#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace countersign::http {

// Views into the field value.
struct Credentials {
  std::string_view scheme;  // as written; compare with is()
  std::string_view token;   // token68: never empty

  bool is(std::string_view scheme_name) const;
};

// "Bearer abc": a token, one space, and a token68 (RFC 6750 §2.1's b64token) to the end. Anything
// else is `http.bad_credentials`; the error repeats nothing of it. Does not verify anything.
Result<Credentials> parse_credentials(std::string_view field_value);

// HTTP Basic with a client id and secret, each form-encoded first (RFC 7617, RFC 6749 §2.3.1).
struct BasicCredentials {
  std::string client_id;
  Secret secret;
};
// `token68` as parse_credentials() gives it. Refuses (`http.bad_credentials`) what is not base64,
// has no ':', an empty client id, or is not form-encoded UTF-8.
Result<BasicCredentials> parse_basic_credentials(std::string_view token68);
// The whole field value, "Basic …".
Secret basic_credentials(std::string_view client_id, const Secret& secret);

}  // namespace countersign::http
