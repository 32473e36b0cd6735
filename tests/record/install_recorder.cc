// Part of test programs that start others: a recorder from the first test on, where CTest asks for
// it by naming a folder in COUNTERSIGN_RECORD.

#include "core/config_environment.h"
#include "record/recorder.h"

namespace countersign::testing {
namespace {

// Never destroyed: programs may end after everything else.
const bool installed = [] {
  const Environment environment = process_environment();
  const auto folder = environment.find("COUNTERSIGN_RECORD");
  if (folder == environment.end() || folder->second.empty()) return false;
  drill::observe(*new Recorder(folder->second));
  return true;
}();

}  // namespace
}  // namespace countersign::testing
