// nginx and HAProxy, one worker or thread each, doing the same work as ours.

#pragma once

#include <memory>
#include <string>

#include "core/temporary_folder.h"
#include "drill/child_process.h"
#include "drill/throwaway_pki.h"

namespace countersign::bench {

// A peer's process, and where it listens.
struct Peer {
  std::unique_ptr<drill::ChildProcess> process;
  Endpoint address;
};

struct PeerFiles {
  std::filesystem::path folder;
  drill::Identity server;  // of the provider
  drill::Identity client;  // of the consumer
  std::filesystem::path provider_ca;
  std::filesystem::path consumer_ca;
};

// The provider's application: answers every request with `body_bytes` bytes; /big with 2 KiB. With
// mutual TLS, or plain.
Result<Peer> start_upstream(const PeerFiles& files, bool tls, size_t body_bytes);

// nginx as egress: plain HTTP in, a static Authorization field added, kept-alive mutual TLS 1.3
// out, access log on.
Result<Peer> start_nginx_egress(const PeerFiles& files, const Endpoint& upstream);
// nginx as gateway: mutual TLS 1.3 in, a static map of keys, access log on, kept-alive plain HTTP
// out.
Result<Peer> start_nginx_gateway(const PeerFiles& files, const Endpoint& upstream,
                                 std::string_view authorization);
// HAProxy as gateway: mutual TLS 1.3 in, jwt_verify with ES256, log on, kept-alive plain HTTP out.
// Without a public key it verifies nothing and passes everything.
Result<Peer> start_haproxy_gateway(const PeerFiles& files, const Endpoint& upstream,
                                   const std::optional<std::filesystem::path>& public_key);

}  // namespace countersign::bench
