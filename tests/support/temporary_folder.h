// A folder for one test; core/temporary_folder.h under the name that tests use.

#pragma once

#include "core/temporary_folder.h"

namespace countersign::testing {

using countersign::TemporaryFolder;

}  // namespace countersign::testing
