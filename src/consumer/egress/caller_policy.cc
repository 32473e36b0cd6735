#include "consumer/egress/caller_policy.h"

#include <algorithm>

#include "http/message.h"
#include "http/target.h"

namespace countersign::consumer {
namespace {

using protocol::Reason;

template <typename Range, typename Value>
bool holds(const Range& range, const Value& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

}  // namespace

bool CallerPolicy::Rule::is_for(const http::PeerInfo& peer) const {
  if (!peer.local) return options.any_local && peer.address.address.is_loopback();
  return options.any_local || holds(options.uids, peer.local->uid) ||
         holds(options.gids, peer.local->gid);
}

bool CallerPolicy::Rule::allows_but_for_path(const CallerQuestion& question) const {
  return holds(options.apis, question.api) &&
         (options.methods.empty() || holds(options.methods, question.method));
}

Result<CallerPolicy> CallerPolicy::create(const std::vector<CallerRuleOptions>& rules,
                                          const std::vector<std::string>& known_apis) {
  CallerPolicy policy;
  for (const CallerRuleOptions& options : rules) {
    const auto wrong = [&](const std::string& what) {
      return fail(ErrorKind::misconfigured, "egress.bad_caller",
                  "caller[" + std::to_string(policy.rules_.size()) + "]: " + what);
    };
    if (options.uids.empty() && options.gids.empty() && !options.any_local)
      return wrong("it names no user, no group, and not any_local");
    if (options.apis.empty()) return wrong("it names no API");
    for (const std::string& api : options.apis) {
      if (!holds(known_apis, api)) return wrong("there is no API \"" + api + "\"");
    }
    for (const std::string& method : options.methods) {
      if (!http::is_token(method)) return wrong("\"" + method + "\" is no method");
    }
    Rule rule{.options = options, .paths = {}};
    for (const std::string& path : options.paths) {
      if (const auto added = rule.paths.add(path); !added)
        return wrong(path + ": " + added.error().public_text);
    }
    policy.rules_.push_back(std::move(rule));
  }
  return policy;
}

std::optional<Reason> CallerPolicy::refusal_of(const CallerQuestion& question) const {
  if (rules_.empty()) return std::nullopt;
  bool is_known = false;
  bool path_decides = false;
  for (const Rule& rule : rules_) {
    if (!rule.is_for(question.peer)) continue;
    is_known = true;
    if (!rule.allows_but_for_path(question)) continue;
    if (rule.options.paths.empty()) return std::nullopt;
    path_decides = true;
  }
  if (!is_known) return Reason::caller_not_allowed;
  if (!path_decides) return Reason::call_not_allowed;
  if (!http::parse_canonical_path(question.path)) return Reason::path_not_canonical;
  for (const Rule& rule : rules_) {
    if (rule.is_for(question.peer) && rule.allows_but_for_path(question) &&
        rule.paths.match(question.path)) {
      return std::nullopt;
    }
  }
  return Reason::call_not_allowed;
}

std::string caller_name(const http::PeerInfo& peer) {
  if (peer.local) return "unix:uid=" + std::to_string(peer.local->uid);
  return peer.address.address.to_string();
}

}  // namespace countersign::consumer
