// The checks of `countersign doctor` for one API: from the local files outwards to a real call, in
// the order in which a call meets them. A check that cannot be made because an earlier one failed
// is skipped and says so.
//
// Sends one request for metadata and one for a token, if the scheme has an issuer, and one GET.
// Shows no secret.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/doctor_finding.h"
#include "cli/egress_config.h"
#include "core/clock.h"
#include "core/entropy.h"
#include "net/client_pool.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls_stream.h"

namespace countersign::cli {

struct DoctorOptions {
  std::string path = "/";  // of the GET
  // Of each step: longer than a healthy network ever needs, short enough to wait for.
  std::chrono::milliseconds step_timeout{5'000};
};

class ApiDoctor final {
 public:
  // All references outlive the object. The loop is this thread's.
  ApiDoctor(const EgressApiConfig& api, DoctorOptions options, net::Loop& loop,
            net::Resolver& resolver, const Clock& clock, Entropy& entropy);

  Task<void> examine();
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  // One of the two hosts: the API's, or the issuer's where that is another one.
  struct Host {
    std::string prefix;  // of the checks' names
    const http::Url& url;
    const std::optional<Endpoint>& connect_to;
    const net::TlsClientContext::Options& tls;
  };

  void add(Finding finding);
  void add(std::string check, Verdict verdict, std::string found, std::string advice = {});
  void add_failure(std::string check, const Error& error);
  void skip(std::string check, std::string why);
  void check_certificate();
  void check_anchors(const Host& host);
  Task<bool> reach(Host host);
  Task<std::optional<Endpoint>> find_address(Host host);
  Task<bool> connect(Host host, Endpoint to);
  void describe_server(const Host& host, const net::TlsStream& stream, std::string took);
  bool heard(const Host& host, const Result<http::SimpleResponse>& answer);
  void check_clock(std::string_view date, WallTime asked);
  std::unique_ptr<net::ClientPool> pool_to(const Host& host,
                                           const Published<net::TlsClientContext>& tls);
  Task<void> call();
  Task<void> discover(http::Client& issuer);
  Task<bool> obtain_credential(consumer::Scheme& scheme, const consumer::ProcessScheme& process);
  Task<void> get(http::Client& client, const consumer::Attached& credential);
  void judge(const http::SimpleResponse& answer);
  BootTime deadline() const { return loop_.now() + options_.step_timeout; }
  consumer::Instant now() const { return {clock_.boot_now(), clock_.wall_now()}; }
  Host api_host() const { return {"", api_.url, api_.connect_to, api_.tls}; }
  Host issuer_host() const {
    return {"issuer ", *api_.issuer, api_.issuer_connect_to, api_.issuer_tls};
  }
  bool issuer_elsewhere() const;

  const EgressApiConfig& api_;
  DoctorOptions options_;
  net::Loop& loop_;
  net::Resolver& resolver_;
  const Clock& clock_;
  Entropy& entropy_;
  std::vector<Finding> findings_;
  std::vector<std::string> certificate_judged_;  // prefixes of the hosts that have answered
  bool clock_checked_ = false;
};

}  // namespace countersign::cli
