// Public PEM files that a configuration names: certificates and trust anchors. Keys are secrets and
// come by ConfigSection::secret().

#pragma once

#include <string>

#include "core/config.h"

namespace countersign {

// The text of the file at `key`; empty, and a problem noted there, if it cannot be read. `expected`
// says what it holds: "the CAs of client certificates (PEM)".
std::string read_pem(const ConfigSection& section, std::string_view key, std::string_view expected);

}  // namespace countersign
