// Listening sockets. ListeningSocket is the descriptor, one for the whole process; Acceptor takes
// connections from it for one loop. All loops share the descriptor (EPOLLEXCLUSIVE), so no
// connection is lost when one of them stops.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ip_address.h"
#include "core/result.h"
#include "http/byte_stream.h"
#include "net/connection_limits.h"
#include "net/fd.h"
#include "net/loop.h"

namespace countersign::net {

struct ListenOptions {
  Endpoint address{};         // port 0: any free one
  std::string interface{};    // SO_BINDTODEVICE: connections through this interface only
  std::string unix_path{};    // if not empty: a Unix socket there, and neither of the above
  unsigned unix_mode = 0600;  // who may connect
  std::optional<uint32_t> unix_owner{};  // uid and gid of the socket's file; the process's own if
  std::optional<uint32_t> unix_group{};  // absent. Another owner takes a privilege
  // Balancers whose connections begin with a PROXY protocol header (proxy_protocol.h); theirs must.
  // A header of anybody else is not read. Not for Unix sockets.
  std::vector<Network> proxy_protocol_from{};
  int backlog = 1024;

  friend bool operator==(const ListenOptions&, const ListenOptions&) = default;
};

class ListeningSocket final {
 public:
  // `net.listen_failed`: the address is taken, the interface is not there, a privilege is missing.
  // A Unix socket that nobody listens on any more is replaced; any other file at its path is not.
  static Result<std::shared_ptr<const ListeningSocket>> create(const ListenOptions& options);
  // Removes the Unix socket's file, if it is still the one that create() made.
  ~ListeningSocket();

  int fd() const { return fd_.get(); }
  // With the real port. Default for Unix sockets.
  const Endpoint& bound() const { return bound_; }
  bool is_unix() const { return !unix_path_.empty(); }
  // The connection begins with a PROXY protocol header.
  bool is_proxied(const IpAddress& from) const;
  // "127.0.0.1:8080" or "unix:/run/countersign/egress.sock"
  std::string name() const;

 private:
  // Which file a path led to.
  struct FileIdentity {
    uint64_t device = 0;
    uint64_t inode = 0;
    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
  };
  static FileIdentity identity_of(const std::string& path);  // of nothing: zeros

  ListeningSocket(Fd fd, Endpoint bound, const ListenOptions& options)
      : fd_(std::move(fd)),
        bound_(bound),
        unix_path_(options.unix_path),
        proxy_protocol_from_(options.proxy_protocol_from),
        unix_file_(identity_of(unix_path_)) {}
  Fd fd_;
  Endpoint bound_;
  std::string unix_path_;
  std::vector<Network> proxy_protocol_from_;
  FileIdentity unix_file_;
};

// A connection that was accepted and is counted; belongs to no loop yet.
struct AcceptedConnection {
  Fd fd;
  http::PeerInfo peer;
  ConnectionLimits::Permit permit;
  bool proxied = false;  // a PROXY protocol header comes first; the permit is unnamed until then
  Counted load;          // on the loop that serves it, once that is known
};

class Acceptor final : private Watched, private Wakeup, private Timer {
 public:
  using OnAccept = std::function<void(AcceptedConnection)>;
  // Accepts from now on. `limits` outlives the acceptor; where they are reached, connections wait
  // in the kernel's backlog; those over the limit of their address are closed at once. Without
  // descriptors (EMFILE) it pauses, and spins never.
  static Result<std::unique_ptr<Acceptor>> create(Loop& loop,
                                                  std::shared_ptr<const ListeningSocket> socket,
                                                  ConnectionLimits& limits, OnAccept on_accept);
  ~Acceptor() override;

 private:
  static constexpr int batch_max = 16;  // per turn; the rest is for another turn or another loop
  static constexpr BootClock::duration pause_time = std::chrono::milliseconds(50);

  Acceptor(Loop& loop, std::shared_ptr<const ListeningSocket> socket, ConnectionLimits& limits,
           OnAccept on_accept);
  Result<void> resume();
  void pause();
  void on_events(uint32_t events) override;
  void run() override;
  void fire() override;
  bool accept_one();

  Loop& loop_;
  std::shared_ptr<const ListeningSocket> socket_;
  ConnectionLimits& limits_;
  OnAccept on_accept_;
  bool watching_ = false;
};

}  // namespace countersign::net
