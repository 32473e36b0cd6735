// EgressAdmin: the admin listener of a running egress, on its home loop.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/egress_loops.h"
#include "consumer/egress/admin_service.h"
#include "net/loop_server.h"

namespace countersign::cli {

class EgressAdmin final {
 public:
  // Both outlive it. Destroyed on the home thread, or when that has ended.
  EgressAdmin(EgressLoops& loops, net::Loop& home);

  // The address that it got.
  Result<std::string> listen(const net::ListenOptions& options);

 private:
  net::ServingOptions serving_;
  net::ConnectionLimits limits_;
  consumer::AdminService service_;
  net::LoopServer server_;
};

}  // namespace countersign::cli
