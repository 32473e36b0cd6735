// The receipt of a revocation: which live nodes have applied a change, and how long that took.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "store/registry_store.h"

namespace countersign::store {

struct ReceiptOptions {
  // How long after its last heartbeat a node is still expected to answer. Longer than
  // max_staleness: a node that is silent for longer than this has stopped serving by itself.
  std::chrono::milliseconds node_live_for{5000};
  std::chrono::milliseconds poll_interval{2};  // first pause; doubles up to 50 ms
};

struct Confirmation {
  std::string node;
  std::chrono::microseconds
      after{};  // from the call of wait_for_receipt() until it was seen; an upper bound
};

struct Receipt {
  int64_t seq = 0;
  std::vector<Confirmation> confirmed;
  std::vector<std::string> missing;  // live nodes that had not confirmed at the deadline

  // True as well if no node was running: then there is nobody who could let something pass.
  bool complete() const { return missing.empty(); }
};

// Returns as soon as every live node has applied `seq`, or at `deadline`. Blocks the calling thread
// by `sleep` (std::this_thread::sleep_for in programs): for the command line, not for an event
// loop. A store that is away for a moment is asked again; it is an error if it is away at the
// deadline.
Result<Receipt> wait_for_receipt(RegistryStore& store, int64_t seq, BootTime deadline,
                                 const Clock& clock,
                                 const std::function<void(std::chrono::nanoseconds)>& sleep,
                                 const ReceiptOptions& options = {});

}  // namespace countersign::store
