// The schemes a gateway knows, one row each. Adding a scheme is a pair of files and a row here.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "provider/schemes/scheme.h"

namespace countersign::provider {

struct SchemeRow {
  std::string_view name;           // as configuration and audit log name it: "oauth2_certificate"
  std::string_view authorization;  // the scheme of its Authorization field: "Bearer"
  // RFC 6750 §3: challenges of this scheme carry the error code.
  bool challenge_with_error = false;
  const Scheme* scheme = nullptr;
};

std::span<const SchemeRow> all_schemes();

// Null if there is none of this name.
const SchemeRow* find_scheme(std::string_view name);

// A set of rows is a mask of their bits.
uint32_t scheme_bit(const SchemeRow& row);

}  // namespace countersign::provider
