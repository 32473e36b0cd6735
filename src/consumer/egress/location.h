// Where an answer of the API sends its reader (RFC 9110 §10.2.2), as the caller must see it: a
// place of the API itself is a place of the egress, so that following it passes through here again
// and gets a credential; any other place stays what it is, and following it gets none.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace countersign::consumer {

struct LocationRules {
  std::string_view origin;  // of the upstream: "https://payments.provider.example:8443"
  std::string_view prefix;  // of the API at the egress, without a '/' at the end
  bool strip_prefix = true;
};

// The value to send in place of this one; nullopt: this one as it is. Gives path-absolute
// references only.
std::optional<std::string> rewritten_location(std::string_view location,
                                              const LocationRules& rules);

}  // namespace countersign::consumer
