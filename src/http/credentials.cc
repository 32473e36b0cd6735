#include "http/credentials.h"

#include "core/ascii.h"
#include "core/bytes.h"
#include "http/char_class.h"
#include "http/message.h"
#include "http/target.h"

namespace countersign::http {
namespace {

std::unexpected<Error> refused() {
  return fail(ErrorKind::unauthenticated, "http.bad_credentials",
              "the Authorization field is malformed");
}

// RFC 6750 §2.1: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
bool is_token68(std::string_view text) {
  const size_t padding = chars::skip(text, 0, chars::token68);
  return padding > 0 && text.find_first_not_of('=', padding) == std::string_view::npos;
}

}  // namespace

bool Credentials::is(std::string_view scheme_name) const {
  return ascii::equal_ignoring_case(scheme, scheme_name);
}

Result<Credentials> parse_credentials(std::string_view field_value) {
  const size_t space = field_value.find(' ');
  if (space == std::string_view::npos) return refused();
  const Credentials credentials{field_value.substr(0, space), field_value.substr(space + 1)};
  if (!is_token(credentials.scheme) || !is_token68(credentials.token)) return refused();
  return credentials;
}

Result<BasicCredentials> parse_basic_credentials(std::string_view token68) {
  Result<Bytes> bytes = decode_base64(token68);
  if (!bytes) return refused();
  const Secret text = Secret::take(*std::move(bytes));
  const std::string_view pair = text.unsafe_reveal_text();
  const size_t colon = pair.find(':');
  if (colon == std::string_view::npos || colon == 0) return refused();
  Result<std::string> client_id = decode_percent(pair.substr(0, colon), PlusSign::is_space);
  Result<std::string> secret = decode_percent(pair.substr(colon + 1), PlusSign::is_space);
  if (!client_id || !secret) return refused();
  return BasicCredentials{*std::move(client_id), Secret::take(*std::move(secret))};
}

Secret basic_credentials(std::string_view client_id, const Secret& secret) {
  std::string pair;
  // Room for every byte as a triplet: a growth would leave a copy behind.
  pair.reserve(3 * (client_id.size() + secret.size()) + 1);
  append_percent_encoded(pair, client_id);
  pair += ':';
  append_percent_encoded(pair, secret.unsafe_reveal_text());
  std::string encoded = encode_base64(as_bytes(pair));
  wipe(pair);
  std::string value = "Basic " + encoded;
  wipe(encoded);
  return Secret::take(std::move(value));
}

}  // namespace countersign::http
