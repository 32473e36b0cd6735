#include "cli/egress_config.h"

#include "cli/egress_local_config.h"
#include "client/call_policy_config.h"

namespace countersign::cli {
namespace {

EgressApiConfig read_api(const ConfigSection& section) {
  EgressApiConfig api{client::read_api_config(section)};
  api.options.name = api.name;
  api.options.deadline = api.deadline;
  api.options.path_prefix = section.string("path_prefix", api.options.path_prefix);
  api.options.strip_prefix = section.boolean("strip_prefix", api.options.strip_prefix);
  api.options.keep_body_bytes_max =
      section.byte_size("keep_body_bytes_max", api.options.keep_body_bytes_max, {0, 16 << 20});
  api.options.origin = api.url.origin();
  api.options.hosts = section.strings("hosts", {});
  api.probe_path = section.string("probe_path", "");
  if (!api.probe_path.empty() &&
      (!api.probe_path.starts_with('/') || !http::is_target_text(api.probe_path))) {
    section.problem("probe_path", "expected a path such as /v1/payments?limit=1");
  }
  api.calls = client::read_call_policy(section);
  return api;
}

}  // namespace

Result<EgressConfig> load_egress_config(const CommonOptions& common) {
  ConfigReader reader = common.load();
  const ConfigSection root = reader.root();
  EgressConfig config;
  config.server = read_server_config(root, ListenScope::local_only);
  const ConfigSection log = root.section("log");
  if (log.has("access_log")) {
    config.access_log_path =
        log.string("access_log") == "-" ? "-" : log.path_to("access_log").string();
  }
  config.egress.trace_heads = log.boolean("trace_heads", false);
  config.egress.unsafe_allow_browsers =
      root.section("server").boolean("unsafe_allow_browsers", false);
  const std::vector<ConfigSection> apis = root.tables("api");
  if (apis.empty()) root.problem("api", "at least one [[api]] is needed");
  for (const ConfigSection& api : apis) config.apis.push_back(read_api(api));
  config.callers = read_callers(root);
  config.admin = read_admin(root);
  config.watch_files = root.section("reload").boolean("watch_files", config.watch_files);
  config.journal = read_journal(root);
  config.token_store = read_token_store(root);
  config.unsafe_options = reader.unsafe_options();
  config.files = reader.files();
  CS_CHECK(reader.finish());
  return config;
}

}  // namespace countersign::cli
