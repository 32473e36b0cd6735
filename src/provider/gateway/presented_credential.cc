#include "provider/gateway/presented_credential.h"

#include <algorithm>

#include "core/ascii.h"
#include "http/credentials.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

using protocol::Reason;
using protocol::Verdict;

namespace {

struct CredentialFields {
  const http::Field* authorization = nullptr;
  const http::Field* api_key = nullptr;
  int count = 0;
};

CredentialFields collect(const http::RequestHead& head, std::string_view api_key_field) {
  CredentialFields found;
  for (const http::Field& field : head.fields) {
    if (ascii::equal_ignoring_case(field.name, "authorization")) {
      found.authorization = &field;
      ++found.count;
    } else if (!api_key_field.empty() && ascii::equal_ignoring_case(field.name, api_key_field)) {
      found.api_key = &field;
      ++found.count;
    } else if (ascii::equal_ignoring_case(field.name, "dpop")) {
      // A proof that nothing here checks: what it was meant to protect would go through without it.
      ++found.count;
    }
  }
  return found;
}

// RFC 6750 §2.3 allows a token there; nothing of ours does.
bool has_token_in_query(std::string_view query) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    if (pair.substr(0, pair.find('=')) == "access_token") return true;
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
  }
  return false;
}

}  // namespace

Verdict<PresentedCredential> read_credential(const http::RequestHead& head,
                                             std::string_view api_key_field) {
  if (has_token_in_query(head.query)) {
    return protocol::deny(Reason::request_malformed, "a token in the query");
  }
  const CredentialFields fields = collect(head, api_key_field);
  if (fields.count > 1) {
    return protocol::deny(Reason::multiple_credentials, "several fields carry credentials");
  }
  if (fields.api_key != nullptr) {
    if (fields.api_key->value.empty()) {
      return protocol::deny(Reason::credential_malformed, "the API key's field is empty");
    }
    return PresentedCredential{find_scheme("api_key")->authorization, fields.api_key->value};
  }
  if (fields.authorization == nullptr) {
    return protocol::deny(Reason::credential_missing,
                          fields.count > 0 ? "a proof without a token" : "");
  }
  const auto parsed = http::parse_credentials(fields.authorization->value);
  if (!parsed) {
    return protocol::deny(Reason::credential_malformed,
                          "the Authorization field is not scheme and token");
  }
  for (const SchemeRow& row : all_schemes()) {
    if (parsed->is(row.authorization)) return PresentedCredential{row.authorization, parsed->token};
  }
  return protocol::deny(Reason::scheme_not_accepted,
                        "an Authorization scheme that is not known here");
}

}  // namespace countersign::provider
