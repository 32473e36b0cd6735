// What an operator may ask for, field by field. Each check returns the value as it is recorded, in
// its one spelling, or an `admin.bad_<field>` error that names the field and says what to do.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "protocol/scope.h"
#include "store/registry_records.h"

namespace countersign::provider {

inline constexpr size_t note_bytes_max = 256;  // of a name, note or reason
inline constexpr size_t networks_max = 64;  // each is compared on requests that are not remembered
inline constexpr size_t thumbprints_max = 16;  // current and next certificate of a few instances
inline constexpr size_t client_id_bytes_max = 64;

// "admin.bad_<field>": "<field>: <what to do>".
std::unexpected<Error> bad_field(std::string_view field, std::string_view what);

// Letters, digits, '.', '_' and '-', the first a letter or digit.
Result<void> check_client_id(std::string_view client_id);
// Printable text without control characters, at most note_bytes_max bytes; `required`: not empty.
Result<void> check_text(std::string_view field, std::string_view text, bool required);
Result<protocol::ScopeSet> check_scopes(const std::vector<std::string>& names);
Result<std::vector<std::string>> check_networks(const std::vector<std::string>& texts);
Result<std::string> check_thumbprint(std::string_view field, std::string_view text);
// The rules themselves, and that they suit the way the client authenticates at the token endpoint.
Result<store::CertificateRules> check_certificates(const store::CertificateRules& rules,
                                                   store::ClientAuthMethod method);

}  // namespace countersign::provider
