// The command line: which commands there are, their flags, and what the process exits with.
//
// Exit codes: 0 done; 1 failed (the reason is on stderr); 2 the command line or the configuration
// is wrong.

#pragma once

namespace countersign::cli {

int run(int argc, const char* const* argv);

}  // namespace countersign::cli
