// EgressService: the sidecar as an http::Service. Takes a backend's plain call, adds the
// credential, forwards it to the fixed upstream of the API it is for, and says what became of it
// (design §4.3, §4.6).
//
// - Upstreams come from the configuration alone; nothing in a request chooses a host.
// - What the caller sends as a credential, a proof, or a statement about who it is, is dropped in
// every spelling.
// - Nothing is sent without a credential, and nothing is silently sent twice.
// - Every answer carries Countersign-Outcome and Countersign-Attempts. An error of the egress
// itself is a problem document
//   (RFC 9457) with "source":"egress", never a 401.
//
// - Who may make which call is the CallerPolicy's decision.
//
// Does not follow redirects and does not cache.
//
// RFC 9110 §7.6 (forwarding), §9.2 (safe methods), RFC 9457 (problems).

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consumer/call_policy.h"
#include "consumer/egress/access_log.h"
#include "consumer/egress/caller_policy.h"
#include "consumer/egress/egress_counters.h"
#include "consumer/egress/egress_journal.h"
#include "consumer/egress/field_filter.h"
#include "consumer/egress/trace_ids.h"
#include "consumer/schemes/scheme.h"
#include "core/clock.h"
#include "core/entropy.h"
#include "core/executor.h"
#include "http/client.h"
#include "http/service.h"
#include "protocol/reason.h"

namespace countersign::consumer {

// One payment API that can be called.
struct EgressApiOptions {
  std::string name = {};  // for logs: "acme"
  std::string path_prefix =
      "/";  // begins with '/'; matches whole segments; of several that match, the longest
  bool strip_prefix = true;  // "/acme/v1/payments" goes out as "/v1/payments"
  // Host names, without a port. If there are any, the API is for requests with one of these in
  // Host, and such requests are for no other API.
  std::vector<std::string> hosts = {};
  // Of the upstream: "https://payments.provider.example:8443". A Location there is rewritten to a
  // path of the egress.
  std::string origin = {};
  // For the whole call, from its arrival to the last byte of its answer, waiting for a token
  // included. A payment that takes longer is better looked up than waited for.
  std::chrono::milliseconds deadline{30'000};
  // A request body up to this size is kept while it is sent, so that the call can be repeated after
  // a refused token or a stale connection. Payments are a few KiB.
  size_t keep_body_bytes_max = 64 * 1024;

  friend bool operator==(const EgressApiOptions&, const EgressApiOptions&) = default;
};

// An API with what serves it on this loop. All of it outlives the service, and no pointer is null,
// unless it says so.
struct EgressApi {
  EgressApiOptions options = {};
  std::string scheme_name = {};  // for logs
  Scheme* scheme = nullptr;
  const ProcessScheme* process_scheme = nullptr;
  http::Client* upstream = nullptr;
  // Null: calls are repeated only as CallRule's defaults allow, and get no key.
  CallPolicy* policy = nullptr;
  EgressJournal* journal = nullptr;  // null: writes are not journalled
  size_t number = 0;  // set by the service: its place in the configuration, for counters
};

// What the service uses beside its APIs. All of it outlives the service; each may be null.
struct EgressParts {
  const CallerPolicy* callers = nullptr;  // null: whoever reaches the listener may call
  EgressCounters* counters = nullptr;     // this loop's, of as many APIs
  Entropy* entropy = nullptr;             // for trace ids; null: no trace is passed on or begun
};

struct EgressOptions {
  // Writes each outgoing request's head, its credential redacted, into the log. For demonstrations
  // and for whoever is on call; costs a line of some hundred bytes a request.
  bool trace_heads = false;
  // A browser on the same machine can be made to call a loopback port by any web page. A service's
  // HTTP client sends no Origin; such calls are refused.
  bool unsafe_allow_browsers = false;

  friend bool operator==(const EgressOptions&, const EgressOptions&) = default;
};

// `egress.bad_api`: no name, a prefix that is not a canonical path, or two APIs with one prefix.
Result<void> check_apis(const std::vector<EgressApi>& apis);

// Belongs to one loop.
class EgressService final : public http::Service {
 public:
  // `apis` have passed check_apis(). `log` outlives the service; its owner flushes it at the end of
  // each turn.
  EgressService(std::vector<EgressApi> apis, Executor& loop, const Clock& clock, AccessLog& log,
                EgressOptions options = {}, EgressParts parts = {});
  ~EgressService() override;

  Task<void> serve(http::Exchange& exchange) override;

 private:
  class Call;
  const EgressApi* api_for(const http::RequestHead& request) const;
  std::optional<protocol::Reason> refusal_of(const http::RequestHead& request, const EgressApi* api,
                                             const http::PeerInfo& peer) const;
  TraceIds* trace_ids() { return trace_ids_ ? &*trace_ids_ : nullptr; }
  Instant now();

  std::vector<EgressApi> apis_;  // longest prefix first; prefixes without a '/' at the end
  Executor& loop_;
  const Clock& clock_;
  AccessLog& log_;
  EgressOptions options_;
  EgressParts parts_;
  std::optional<TraceIds> trace_ids_;
  FieldFilter filter_;
  Instant cached_now_{};
};

}  // namespace countersign::consumer
