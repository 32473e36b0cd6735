#include "provider/schemes/scheme_registry.h"

#include <algorithm>
#include <array>

#include "provider/schemes/api_key_scheme.h"
#include "provider/schemes/oauth2_bearer_scheme.h"
#include "provider/schemes/oauth2_certificate_scheme.h"

namespace countersign::provider {

std::span<const SchemeRow> all_schemes() {
  static const std::array<SchemeRow, 3> rows{{
      {"api_key", "ApiKey", false, &api_key_scheme()},
      {"oauth2_bearer", "Bearer", true, &oauth2_bearer_scheme()},
      {"oauth2_certificate", "Bearer", true, &oauth2_certificate_scheme()},
  }};
  return rows;
}

const SchemeRow* find_scheme(std::string_view name) {
  const auto rows = all_schemes();
  const auto row = std::ranges::find(rows, name, &SchemeRow::name);
  return row == rows.end() ? nullptr : &*row;
}

uint32_t scheme_bit(const SchemeRow& row) {
  return uint32_t{1} << static_cast<uint32_t>(&row - all_schemes().data());
}

}  // namespace countersign::provider
