#include "cli/egress_local_config.h"

#include "cli/local_names.h"
#include "cli/server_config.h"

namespace countersign::cli {
namespace {

std::vector<uint32_t> read_ids(const ConfigSection& section, std::string_view key,
                               Result<uint32_t> (*look_up)(std::string_view)) {
  std::vector<uint32_t> ids;
  for (const std::string& name : section.strings(key, {})) {
    const auto id = look_up(name);
    if (id) {
      ids.push_back(*id);
    } else {
      section.problem(key, id.error().public_text);
    }
  }
  return ids;
}

}  // namespace

std::vector<consumer::CallerRuleOptions> read_callers(const ConfigSection& root) {
  std::vector<consumer::CallerRuleOptions> rules;
  for (const ConfigSection& section : root.tables("caller")) {
    rules.push_back({.uids = read_ids(section, "users", user_id_of),
                     .gids = read_ids(section, "groups", group_id_of),
                     .any_local = section.boolean("any_local", false),
                     .apis = section.strings("apis"),
                     .methods = section.strings("methods", {}),
                     .paths = section.strings("paths", {})});
  }
  return rules;
}

std::optional<net::ListenOptions> read_admin(const ConfigSection& root) {
  const ConfigSection section = root.section("admin");
  if (section.keys().empty() && !section.has("address") && !section.has("unix"))
    return std::nullopt;
  return read_listener(section, ListenScope::local_only);
}

Result<net::ListenOptions> load_admin(const CommonOptions& common) {
  ConfigReader reader = common.load();
  const auto admin = read_admin(reader.root());
  std::string problems;
  for (const ConfigProblem& problem : reader.problems()) {
    // Nothing else was asked for, so that everything else counts as unknown.
    if (!problem.key.empty() && !problem.key.starts_with("admin")) continue;
    problems += (problems.empty() ? "" : "\n") + problem.to_string();
  }
  if (!problems.empty()) return fail(ErrorKind::misconfigured, "config.invalid", problems);
  if (!admin) {
    return fail(ErrorKind::misconfigured, "egress.no_admin",
                "the configuration has no [admin]: the egress cannot be asked");
  }
  return *admin;
}

}  // namespace countersign::cli
