// `countersign doctor`: given an egress's configuration, tries from this machine what a call needs,
// in order, and says of each step what was found and what to do about it.

#pragma once

#include <string>

#include "cli/common_options.h"
#include "core/result.h"

namespace countersign::cli {

struct DoctorFlags {
  std::string api;         // only this one; empty: all
  std::string path = "/";  // of the GET that is tried
  int timeout_ms = 5'000;  // of each step
};

// Prints the findings. `doctor.failed` if a check failed; `doctor.unknown_api` (invalid_input).
Result<void> run_doctor(const CommonOptions& common, const DoctorFlags& flags);

}  // namespace countersign::cli
