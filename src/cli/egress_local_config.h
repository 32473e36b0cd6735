// The parts of an egress's configuration about its own machine: who may call ([[caller]]) and where
// it shows how it is ([admin]).

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/common_options.h"
#include "consumer/egress/caller_policy.h"
#include "net/listener.h"

namespace countersign::cli {

std::vector<consumer::CallerRuleOptions> read_callers(const ConfigSection& root);

// nullopt: there is no [admin].
std::optional<net::ListenOptions> read_admin(const ConfigSection& root);

// [admin] alone, for a command that has no right to the rest (its secrets). `config.invalid` if it
// is wrong, `egress.no_admin` if there is none.
Result<net::ListenOptions> load_admin(const CommonOptions& common);

}  // namespace countersign::cli
