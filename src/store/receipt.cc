#include "store/receipt.h"

#include <algorithm>

namespace countersign::store {
namespace {

constexpr std::chrono::milliseconds pause_max{50};

// A node that confirmed keeps its place even if its heartbeat stops afterwards.
void note_nodes(Receipt& receipt, const std::vector<NodeRecord>& live,
                std::chrono::microseconds after) {
  receipt.missing.clear();
  for (const NodeRecord& node : live) {
    if (node.applied_seq < receipt.seq) {
      receipt.missing.push_back(node.name);
    } else if (std::ranges::find(receipt.confirmed, node.name, &Confirmation::node) ==
               receipt.confirmed.end()) {
      receipt.confirmed.push_back({node.name, after});
    }
  }
}

}  // namespace

Result<Receipt> wait_for_receipt(RegistryStore& store, int64_t seq, BootTime deadline,
                                 const Clock& clock,
                                 const std::function<void(std::chrono::nanoseconds)>& sleep,
                                 const ReceiptOptions& options) {
  const BootTime start = clock.boot_now();
  Receipt receipt{.seq = seq, .confirmed = {}, .missing = {}};
  std::chrono::nanoseconds pause = options.poll_interval;
  for (;;) {
    auto live = store.live_nodes(options.node_live_for);
    const BootTime now = clock.boot_now();
    if (live) {
      note_nodes(receipt, *live,
                 std::chrono::duration_cast<std::chrono::microseconds>(now - start));
      if (receipt.complete() || now >= deadline) return receipt;
    } else if (live.error().kind != ErrorKind::unavailable || now >= deadline) {
      return fail(std::move(live).error());
    }
    sleep(std::min<std::chrono::nanoseconds>(pause, deadline - now));
    pause = std::min<std::chrono::nanoseconds>(pause * 2, pause_max);
  }
}

}  // namespace countersign::store
