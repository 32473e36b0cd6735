// Load at a chosen rate on a server of plain HTTP, in a thread of its own, until it is told to
// stop: for measuring what happens meanwhile.
//
// Each call has its time, and is late rather than left out: a server that stands still for a while
// is met by all that was due meanwhile.

#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "bench/processes/load.h"

namespace countersign::bench {

struct PacedLoadOptions {
  Endpoint server;
  std::vector<std::string> targets;  // called in turn, with GET
  int requests_per_second = 2'000;
  int connections = 32;
};

class PacedLoad final {
 public:
  explicit PacedLoad(PacedLoadOptions options);
  ~PacedLoad();
  PacedLoad(const PacedLoad&) = delete;
  PacedLoad& operator=(const PacedLoad&) = delete;

  // Every call has ended when it returns. Once.
  Result<LoadResult> stop();

 private:
  class Run;
  Result<LoadResult> run() const;

  const PacedLoadOptions options_;
  std::atomic<bool> stopping_ = false;
  Result<LoadResult> result_;
  std::thread thread_;
};

}  // namespace countersign::bench
