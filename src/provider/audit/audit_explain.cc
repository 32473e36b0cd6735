#include "provider/audit/audit_explain.h"

#include <array>

#include <fmt/format.h>

#include "core/json.h"
#include "protocol/reason.h"

namespace countersign::provider {
namespace {

using protocol::Reason;

// Which check of the pipeline a reason comes from, and what an operator can do beyond what the
// consumer is advised.
struct CheckRow {
  Reason first;  // of the rows of reasons from here to the next row's
  std::string_view check;
  std::string_view operator_advice;
};
constexpr auto checks = std::to_array<CheckRow>({
    {Reason::credential_missing, "credential",
     "The consumer sent no credential that was understood, or one that this record does not have. "
     "Compare its key id or client id with `countersign key list` and `countersign client list`."},
    {Reason::token_malformed, "token",
     "The consumer must ask for a new token. If every token is refused, compare issuer, audience "
     "and signing key of the configuration, and the clocks."},
    {Reason::certificate_missing, "certificate and network binding",
     "The credential was used with another certificate, or from another network, than it is bound "
     "to. If the consumer changed them, register the new ones; if it did not, somebody else has "
     "its credential: revoke it."},
    {Reason::scope_insufficient, "route and scope",
     "The request is not one that this credential may make. Grant the scope if it should be; see "
     "[[route]] in the configuration."},
    {Reason::authentication_method_not_allowed, "token request",
     "The client asked for a token in a way, or for scopes, that it is not registered for."},
    {Reason::record_stale, "this provider's own state",
     "It was not the consumer's fault: look at the gateway's log of that time."},
});

const CheckRow& check_of(Reason reason) {
  const CheckRow* found = &checks.front();
  for (const CheckRow& row : checks) {
    if (row.first <= reason) found = &row;
  }
  return *found;
}

std::string what_came(const AuditEntry& entry) {
  const std::string who = entry.client.empty() ? std::string("somebody unknown") : entry.client;
  const std::string from = entry.remote.empty() ? std::string() : " from " + entry.remote;
  if (entry.event == "token") return fmt::format("{}{} asked for a token", who, from);
  return fmt::format("{}{} sent {} {}", who, from, entry.method, entry.path);
}

void add_fact(Explanation& out, std::string_view name, const std::string& value) {
  if (!value.empty()) out.facts.push_back(fmt::format("{}: {}", name, value));
}

void add_facts(Explanation& out, const AuditEntry& entry) {
  add_fact(out, "time", entry.time);
  add_fact(out, "node", entry.node);
  add_fact(out, "client", entry.client);
  add_fact(out, "proven by", entry.scheme);
  add_fact(out, "credential", entry.credential);
  add_fact(out, "token", entry.token);
  add_fact(out, "certificate", entry.certificate);
  add_fact(out, "address", entry.remote);
  add_fact(out, "route", entry.route);
  add_fact(out, "scopes", entry.scopes);
  add_fact(out, "status", entry.status == 0 ? "" : std::to_string(entry.status));
  add_fact(out, "reason", entry.reason);
  add_fact(out, "what exactly did not hold", entry.detail);
}

bool is_decision(const AuditEntry& entry) {
  return entry.event == "request" || entry.event == "request_open" || entry.event == "token";
}

void add_member(std::string& out, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  out += out.size() > 1 ? "," : "";
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

}  // namespace

Explanation explain(const AuditEntry& entry) {
  Explanation out;
  add_facts(out, entry);
  const auto reason = protocol::parse_reason(entry.reason);
  if (entry.outcome == "deny") {
    out.summary = what_came(entry) + ", and was refused";
    if (reason) {
      const CheckRow& check = check_of(*reason);
      out.check = check.check;
      out.summary += fmt::format(": {}", protocol::row_of(*reason).title);
      out.what_to_do = fmt::format("{} The consumer was told: {}", check.operator_advice,
                                   protocol::row_of(*reason).advice);
    } else {
      out.summary += fmt::format(" ({})", entry.reason);
    }
    return out;
  }
  out.summary = what_came(entry);
  if (entry.event == "token") {
    out.summary += ", and was granted it.";
  } else if (entry.event == "request_open") {
    out.summary +=
        ", and was let pass; there is no line about the answer: it was under way when "
        "this was written, or the gateway ended.";
    out.what_to_do = "Ask the payment API what became of the request.";
  } else if (reason) {
    out.summary += fmt::format(", and was let pass, but: {}", protocol::row_of(*reason).title);
    out.what_to_do = protocol::row_of(*reason).advice;
  } else {
    out.summary += ", and was let pass.";
  }
  return out;
}

bool belongs_to(const AuditEntry& entry, std::string_view client_id) {
  // A scheme, or a way of authentication, is named only once it has proven the client.
  return is_decision(entry) && !client_id.empty() && entry.client == client_id &&
         !entry.scheme.empty();
}

std::string consumer_side(const AuditEntry& entry) {
  std::string out = "{";
  add_member(out, "decision_id", entry.decision);
  add_member(out, "time", entry.time);
  add_member(out, "about", entry.event == "token" ? "token" : "request");
  add_member(out, "outcome", entry.outcome);
  if (entry.event == "request_open") add_member(out, "answer", "none recorded");
  add_member(out, "client_id", entry.client);
  add_member(out, "scheme", entry.scheme);
  add_member(out, "credential_id", entry.credential);
  add_member(out, "token_id", entry.token);
  add_member(out, "scope", entry.scopes);
  add_member(out, "method", entry.method);
  add_member(out, "path", entry.path);
  add_member(out, "your_address", entry.remote);
  add_member(out, "your_certificate", entry.certificate);
  if (entry.status != 0) out += fmt::format(",\"status\":{}", entry.status);
  add_member(out, "reason", entry.reason);
  if (const auto reason = protocol::parse_reason(entry.reason)) {
    const protocol::ReasonRow& row = protocol::row_of(*reason);
    add_member(out, "title", std::string(row.title));
    add_member(out, "advice", std::string(row.advice));
  }
  return out + "}";
}

}  // namespace countersign::provider
