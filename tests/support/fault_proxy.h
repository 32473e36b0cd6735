// FaultProxy: a TCP proxy that breaks connections where a test says so. One thread with poll(2);
// what it does depends on bytes alone, never on time: the same fault at the same byte hits the same
// point of an exchange.
//
//   FaultProxy proxy(upstream);                         // passes everything
//   proxy.set({.where = FaultProxy::Side::request, .at_byte = 100, .kind = …reset});
//   … connect to proxy.address() …
//   proxy.set({});                                      // whole again, for new connections
//
// Bytes are those on the wire: of a TLS connection, its records.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/ip_address.h"

namespace countersign::testing {

class FaultProxy final {
 public:
  enum class Side {
    request,   // what the client sends
    response,  // what the server sends
  };
  enum class Kind {
    none,
    reset,       // both ends get a reset (SO_LINGER 0), and what was on its way is lost
    close,       // both ends see an orderly end
    close_half,  // the receiver of this side sees an end; the other direction goes on
    stall,       // nothing of this side passes any more; the connections stay open
    drop,        // the same, but the bytes are taken, so that the sender notices nothing
    delay,       // once, for `pause`
  };
  struct Fault {
    Side where = Side::request;
    // After exactly so many bytes of this side have passed: 0 is before the first. A fault beyond
    // the last byte never comes.
    uint64_t at_byte = 0;
    Kind kind = Kind::none;
    std::chrono::milliseconds pause{20};
    // Passes pieces of at most so many bytes; 0: as they come.
    size_t slice = 0;
    // How many connections it hits, those that come next; -1: all.
    int connections = -1;
  };

  // `upstream` is connected to for each connection that comes.
  explicit FaultProxy(Endpoint upstream);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  const Endpoint& address() const { return address_; }
  // For the connections that come from now on; returns when it is in force. With `reset_open`, all
  // that are open end with a reset.
  void set(const Fault& fault, bool reset_open = true);
  // What has passed since the last set(), over all connections.
  uint64_t passed(Side side) const;
  // How many faults have struck since the last set().
  int struck() const { return struck_; }
  void wait_until_struck() const { struck_.wait(0); }
  int accepted() const { return accepted_; }

 private:
  struct Connection;
  void serve();
  void pass(Connection& connection, Side side, short from, short to);
  void accept_one();
  void take_set();
  void wake();
  Fault take_fault();

  Endpoint upstream_;
  Endpoint address_;
  int listener_ = -1;
  int wake_ = -1;
  std::mutex mutex_;  // guards what follows, up to the counters
  std::condition_variable taken_;
  uint64_t sets_ = 0;
  uint64_t sets_taken_ = 0;
  Fault fault_;
  bool reset_open_ = false;
  std::atomic<uint64_t> passed_[2] = {};
  std::atomic<int> struck_ = 0;
  std::atomic<int> accepted_ = 0;
  std::atomic<bool> stopping_ = false;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::thread thread_;
};

}  // namespace countersign::testing
