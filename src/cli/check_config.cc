#include "cli/check_config.h"

#include <algorithm>

#include "cli/egress_command.h"
#include "cli/gateway_config.h"
#include "cli/output.h"

namespace countersign::cli {

Result<void> check_config(const CommonOptions& common) {
  ConfigReader reader = common.load();
  const std::vector<std::string> keys = reader.root().keys();
  const bool is_egress = std::ranges::find(keys, "api") != keys.end();
  OutputRecord out;
  out.text("file", common.config.string()).text("kind", is_egress ? "egress" : "gateway");
  std::vector<std::string> unsafe;
  if (is_egress) {
    CS_TRY(EgressConfig config, load_egress_config(common));
    unsafe = config.unsafe_options;
    CS_CHECK(check_egress(std::move(config)));
  } else {
    CS_TRY(GatewayConfig config, load_gateway_config(common));
    CS_TRY([[maybe_unused]] auto policy, provider::GatewayPolicy::create(config.gateway));
    CS_TRY([[maybe_unused]] auto tls, net::TlsServerContext::create(config.tls));
    unsafe = std::move(config.unsafe_options);
  }
  out.text("status", "valid").list("unsafe_options", unsafe);
  print(out, common.output);
  return {};
}

}  // namespace countersign::cli
