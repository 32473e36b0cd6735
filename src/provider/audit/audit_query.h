// Looking decisions up in the files of an audit log: by id (explain), by client, time and outcome
// (export), the newest ones (tail). Reads only; checks no hashes (audit_verify.h does).

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/result.h"

namespace countersign::provider {

// A line that was read back. Empty or 0: it has no such member.
struct AuditEntry {
  std::string time;  // as it stands there
  std::string node;
  std::string event;
  std::string outcome;
  std::string decision;
  std::string reason;
  std::string client;
  std::string credential;
  std::string scheme;
  std::string token;
  std::string scopes;
  std::string method;
  std::string route;
  std::string path;
  int64_t status = 0;
  std::string remote;
  std::string certificate;
  std::string actor;
  std::string action;
  std::string subject;
  std::string rule;
  std::string detail;
  int64_t line = 0;  // its number in the chain; 0: it is not in one
};

// `audit.not_a_line`: not a JSON object of ours.
Result<AuditEntry> parse_audit_entry(std::string_view line);

// "2026-01-31T12:00:00.000001Z", as lines have it, or with fewer digits, or a date alone.
std::optional<WallTime> parse_audit_time(std::string_view text);

struct AuditFilter {
  std::string client;
  std::string outcome;  // "allow", "deny"
  std::string event;
  std::string reason;
  std::optional<WallTime> from;   // at or after
  std::optional<WallTime> until;  // before
};
bool matches(const AuditFilter& filter, const AuditEntry& entry);

// Calls `take` with each line that matches and its text, in the order of the files. Lines that are
// not ours are passed over. Returns how many matched.
Result<uint64_t> for_each_entry(
    const std::vector<std::string>& files, const AuditFilter& filter,
    const std::function<void(const AuditEntry&, std::string_view)>& take);

// The last `count` lines of a file that ends with whole ones, oldest first.
Result<std::vector<std::string>> last_lines(const std::string& file, size_t count);

struct DecisionLookup {
  // How much of each file is read around the time that the id tells. A line is written when its
  // request is decided, or, at the latest, two flush intervals later (`request_open`).
  uint64_t window_bytes_max = 16 * 1024 * 1024;
  std::chrono::milliseconds before{2'000};  // clocks of several nodes, and steps of the clock
  std::chrono::milliseconds after{15'000};
};
// The last line about the decision, found by its time: files are searched by halving, and a bounded
// part of them is read. nullopt: there is none where it should be.
Result<std::optional<AuditEntry>> find_decision(const std::vector<std::string>& files,
                                                std::string_view decision_id,
                                                const DecisionLookup& lookup = {});
// Reads everything: for a decision whose line is not where it should be.
Result<std::optional<AuditEntry>> search_decision(const std::vector<std::string>& files,
                                                  std::string_view decision_id);

}  // namespace countersign::provider
