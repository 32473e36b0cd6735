// Header hygiene: which fields of a request must not reach the payment API as the client wrote
// them, because the API may believe them, or because they hold a credential.

#pragma once

#include <string_view>

namespace countersign::provider {

// True for fields by which an upstream could be told who calls, from where, or with which method:
// this program's own (Countersign-…), what proxies and TLS terminators add (X-Forwarded-…,
// Forwarded, Client-Cert, X-Client-Id, X-SSL-…), method and URL overrides, and for credentials
// (Authorization, Proxy-Authorization, X-Api-Key, DPoP). In every spelling that an upstream could
// take for it: any case, and any character that is not alphanumeric in place of '-', since CGI and
// its heirs write all of them as '_'.
bool is_identity_field(std::string_view name);

// The same comparison with one name of the configuration.
bool same_field_in_any_spelling(std::string_view name, std::string_view other);

// RFC-like form of W3C Trace Context: 00-<32 hex>-<16 hex>-<2 hex>, lower case, neither id all
// zeros. Other versions are not understood and so not passed on.
bool is_traceparent(std::string_view value);

}  // namespace countersign::provider
