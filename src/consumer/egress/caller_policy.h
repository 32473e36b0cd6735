// CallerPolicy: which process of this machine may make which call (design §4.6).
//
// Without rules every caller that reaches a listener may make every call: the socket file's mode or
// the loopback address is the boundary. With at least one rule everything is denied that no rule
// allows, on every listener. Fails closed.
//
// The user is the one the kernel names for a Unix socket (SO_PEERCRED). A TCP connection has none:
// only `any_local` rules match it, and only from a loopback address.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "http/byte_stream.h"
#include "http/path_tree.h"
#include "protocol/reason.h"

namespace countersign::consumer {

// One rule. It is for a caller if its user or its effective group is listed, or any_local is set;
// it allows a call if API, method and path all fit.
struct CallerRuleOptions {
  std::vector<uint32_t> uids = {};
  std::vector<uint32_t> gids = {};
  bool any_local = false;
  std::vector<std::string> apis = {};     // names; at least one
  std::vector<std::string> methods = {};  // exactly these; empty: all
  std::vector<std::string> paths = {};    // templates as http/path_tree.h has them, of paths as the
                                          // API gets them; empty: all

  friend bool operator==(const CallerRuleOptions&, const CallerRuleOptions&) = default;
};

// The call in question. Views live as long as the check.
struct CallerQuestion {
  const http::PeerInfo& peer;
  std::string_view api;
  std::string_view method;
  std::string_view path;  // without the stripped prefix, without the query
};

class CallerPolicy final {
 public:
  // `egress.bad_caller` (misconfigured): a rule that names nobody, no API or an unknown one, or
  // has a method or path that cannot be one. The text names the rule by its number.
  static Result<CallerPolicy> create(const std::vector<CallerRuleOptions>& rules,
                                     const std::vector<std::string>& known_apis);

  bool has_rules() const { return !rules_.empty(); }
  // nullopt: allowed. caller_not_allowed: no rule is for this caller; call_not_allowed: none of
  // those allows this call; path_not_canonical: a rule about paths would have to decide, and the
  // path has more than one reading.
  std::optional<protocol::Reason> refusal_of(const CallerQuestion& question) const;

 private:
  struct Rule {
    CallerRuleOptions options;
    http::PathTree paths;

    bool is_for(const http::PeerInfo& peer) const;
    bool allows_but_for_path(const CallerQuestion& question) const;
  };
  std::vector<Rule> rules_;
};

// "unix:uid=1000" or "127.0.0.1": who called, for the access log.
std::string caller_name(const http::PeerInfo& peer);

}  // namespace countersign::consumer
