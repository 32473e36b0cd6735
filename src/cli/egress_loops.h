// EgressLoops: the egress's service on every loop, and one look at all of them.

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cli/egress_generation.h"
#include "consumer/egress/admin_service.h"
#include "core/log.h"

namespace countersign::cli {

class EgressLoops final : public consumer::ReportSource {
 public:
  // `sink` null: no access log. Both outlive this object, and it outlives the services.
  EgressLoops(std::shared_ptr<EgressGeneration> generation, LogSink* sink);

  // A loop's service, on that loop's thread.
  std::unique_ptr<http::Service> make_service(net::Loop& loop);

  // On the home thread: every loop goes on with this one; calls under way end with the old one.
  // Done once every loop has taken it.
  Task<void> switch_to(std::shared_ptr<EgressGeneration> generation);
  // On the home thread.
  const std::shared_ptr<EgressGeneration>& current() const { return generation_; }

  // On any thread: /readyz says no from now on.
  void begin_drain() { draining_.store(true, std::memory_order_relaxed); }

  // On the home thread.
  Task<Result<consumer::EgressReport>> collect(BootTime deadline) override;

 private:
  class LoopService;
  class Gathering;
  class Taking;
  void add(LoopService& service);
  void remove(LoopService& service);
  std::shared_ptr<EgressGeneration> newest();

  std::shared_ptr<EgressGeneration> generation_;  // written under the mutex, at home
  LogSink* sink_;
  const WallTime started_;
  std::atomic<bool> draining_ = false;
  std::mutex mutex_;
  std::vector<LoopService*> services_;
};

}  // namespace countersign::cli
