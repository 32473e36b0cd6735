// The schemes that this program can attach, one row each. A row says what the scheme must be told,
// so that the configuration reader needs no knowledge of any of them.

#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consumer/schemes/scheme.h"
#include "consumer/token_source.h"
#include "core/clock.h"
#include "core/entropy.h"
#include "core/executor.h"
#include "core/result.h"
#include "core/secret.h"
#include "http/client.h"

namespace countersign::consumer {

class TokenSharing;

// One thing a scheme must or can be told, in a configuration's table of that scheme.
struct SettingSpec {
  enum class Kind {
    text,     // a string
    list,     // an array of strings
    seconds,  // a whole number of seconds, at least 1
    secret,   // a secret: the configuration names the file that holds it, as `<key>_file`
    table,    // names of the writer's choice, and a string for each
  };
  std::string_view key;
  Kind kind = Kind::text;
  bool required = false;
  std::string_view help = {};  // unit, default, reason
};

// The values, by key. An absent key is an absent value; the maker checks what is there.
struct SchemeSettings {
  std::map<std::string, std::string, std::less<>> texts;
  std::map<std::string, std::vector<std::string>, std::less<>> lists;
  std::map<std::string, std::chrono::seconds, std::less<>> seconds;
  std::map<std::string, Secret, std::less<>> secrets;
  std::map<std::string, std::map<std::string, std::string>, std::less<>> tables;

  std::string text_or(std::string_view key, std::string_view otherwise) const;
  std::vector<std::string> list(std::string_view key) const;
  std::chrono::seconds seconds_or(std::string_view key, std::chrono::seconds otherwise) const;
  Secret secret(std::string_view key) const;  // empty if absent
  std::map<std::string, std::string> table(std::string_view key) const;

  friend bool operator==(const SchemeSettings&, const SchemeSettings&) = default;
};

// What a scheme may use; all outlives it.
struct SchemeParts {
  Executor& home;  // renews tokens
  const Clock& clock;
  Entropy& entropy;
  http::Client* issuer = nullptr;  // on `home`; reaches the issuer's origin. Null if there is none
  // x5t#S256 of this side's certificate; empty if there is none
  std::string certificate_thumbprint = {};
  // On `home` too: those of the setting "token_endpoint_origins".
  std::vector<IssuerOrigin> issuer_origins = {};
  TokenSharing* sharing = nullptr;  // with other processes; null: tokens are this process's own
};

struct SchemeRow {
  std::string_view name;
  // SchemeParts::issuer must be set; the setting "issuer" is its URL, and "token_endpoint_origins"
  // lists the origins of SchemeParts::issuer_origins.
  bool needs_issuer = false;
  bool needs_certificate = false;  // SchemeParts::certificate_thumbprint must be set
  std::span<const SettingSpec> settings;
  Result<std::unique_ptr<ProcessScheme>> (*make)(const SchemeSettings& settings,
                                                 const SchemeParts& parts);
};

std::span<const SchemeRow> all_schemes();
const SchemeRow* find_scheme(std::string_view name);  // null if there is none

// Checks what the row asks for, then makes it. `consumer.unknown_scheme`,
// `consumer.setting_missing`, `consumer.setting_unknown`, `consumer.scheme_needs_issuer`,
// `consumer.scheme_needs_certificate`, and the scheme's own `consumer.bad_setting`; all of kind
// misconfigured, and they name the key.
Result<std::unique_ptr<ProcessScheme>> make_scheme(std::string_view name,
                                                   const SchemeSettings& settings,
                                                   const SchemeParts& parts);

}  // namespace countersign::consumer
