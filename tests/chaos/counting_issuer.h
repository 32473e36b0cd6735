// The issuer of the chaos test: plain HTTP on loopback. It grants to everybody, counts under which
// number each grant was asked for, and remembers who asked last.

#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <sys/types.h>

#include "core/clock.h"
#include "net/server.h"

namespace countersign::chaos {

class CountingIssuer final {
 public:
  CountingIssuer();
  ~CountingIssuer();

  uint16_t port() const;
  void set_lifetime(std::chrono::seconds lifetime);

  // Who asks next, before its answer leaves; nullopt if nobody does within `patience`.
  std::optional<pid_t> wait_for_asker(std::chrono::milliseconds patience);

  // Grants by the number they were asked for under; 0: without one.
  std::map<uint64_t, int> grants() const;

 private:
  class Service;
  std::string grant(std::string_view target);

  const SystemClock clock_;
  mutable std::mutex mutex_;
  std::condition_variable asked_;
  std::chrono::seconds lifetime_{2};
  std::map<uint64_t, int> grants_;
  uint64_t serial_ = 0;
  uint64_t asks_ = 0;
  pid_t asker_ = 0;
  std::shared_ptr<const net::ListeningSocket> socket_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace countersign::chaos
