// Who runs this command, for the audit log.

#pragma once

#include <string>

#include "core/config_environment.h"

namespace countersign::cli {

// "uid:1000 alice"; under sudo "uid:0 root (sudo uid:1000)". The first number is the kernel's word,
// that of sudo is only what the environment says.
std::string operator_name(const Environment& environment);

}  // namespace countersign::cli
