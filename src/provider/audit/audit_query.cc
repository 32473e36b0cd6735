#include "provider/audit/audit_query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "core/json.h"
#include "protocol/decision_id.h"
#include "provider/audit/audit_chain.h"
#include "provider/audit/audit_files.h"
#include "provider/audit/audit_reader.h"

namespace countersign::provider {
namespace {

constexpr std::string_view time_member = "{\"time\":\"";

// The line's time without reading the rest of it.
std::optional<WallTime> time_of_line(std::string_view line) {
  if (!line.starts_with(time_member)) return std::nullopt;
  line.remove_prefix(time_member.size());
  return parse_audit_time(line.substr(0, line.find('"')));
}

std::string decision_member(std::string_view decision_id) {
  return std::string(",\"decision\":\"").append(decision_id).append("\"");
}

// Digits of exactly this length, as a number.
std::optional<int> digits(std::string_view text, size_t at, size_t length) {
  if (text.size() < at + length) return std::nullopt;
  int value = 0;
  const char* end = text.data() + at + length;
  const auto read = std::from_chars(text.data() + at, end, value);
  if (read.ec != std::errc() || read.ptr != end || text[at] == '-') return std::nullopt;
  return value;
}

// ".000001", ".5" or nothing.
std::optional<std::chrono::microseconds> fraction(std::string_view text) {
  if (text.empty()) return std::chrono::microseconds(0);
  if (text.front() != '.' || text.size() < 2 || text.size() > 7) return std::nullopt;
  std::string padded(text.substr(1));
  padded.resize(6, '0');
  const auto micros = digits(padded, 0, 6);
  if (!micros) return std::nullopt;
  return std::chrono::microseconds(*micros);
}

// The first offset in the file from which lines may be at or behind `time`: lines are in order but
// for some milliseconds.
Result<uint64_t> offset_of(AuditReader& reader, WallTime time) {
  uint64_t low = 0;
  uint64_t high = reader.bytes();
  constexpr uint64_t near_enough = 64 * 1024;
  while (high - low > near_enough) {
    const uint64_t middle = low + (high - low) / 2;
    AuditReader::Line line;
    bool earlier = false;
    if (reader.seek(middle)) {
      CS_TRY(const bool more, reader.next(line));
      const auto at = more ? time_of_line(line.text) : std::nullopt;
      earlier = at && *at < time;
    }
    (earlier ? low : high) = middle;
  }
  return low;
}

Result<void> find_in(AuditReader& reader, std::string_view wanted, WallTime from, WallTime until,
                     uint64_t bytes_max, std::optional<AuditEntry>& found) {
  CS_TRY(const uint64_t start, offset_of(reader, from));
  if (!reader.seek(start)) return {};
  AuditReader::Line line;
  for (;;) {
    CS_TRY(const bool more, reader.next(line));
    if (!more || line.offset - start > bytes_max) return {};
    const auto at = time_of_line(line.text);
    if (at && *at > until) return {};
    if (line.is_torn || line.text.find(wanted) == std::string_view::npos) continue;
    if (auto entry = parse_audit_entry(line.text)) found = *std::move(entry);
  }
}

}  // namespace

Result<AuditEntry> parse_audit_entry(std::string_view line) {
  const auto document = parse_json(line, {.bytes_max = audit_line_bytes_max, .depth_max = 4});
  if (!document || !document->is_object() || !has_member(*document, "event")) {
    return fail(ErrorKind::invalid_input, "audit.not_a_line", "Not a line of an audit log.");
  }
  AuditEntry entry;
  const auto text = [&](std::string_view name, std::string& into) {
    into = string_member(*document, name).value_or("");
  };
  text("time", entry.time);
  text("node", entry.node);
  text("event", entry.event);
  text("outcome", entry.outcome);
  text("decision", entry.decision);
  text("reason", entry.reason);
  text("client", entry.client);
  text("credential", entry.credential);
  text("scheme", entry.scheme);
  text("token", entry.token);
  text("scopes", entry.scopes);
  text("method", entry.method);
  text("route", entry.route);
  text("path", entry.path);
  text("remote", entry.remote);
  text("certificate", entry.certificate);
  text("actor", entry.actor);
  text("action", entry.action);
  text("subject", entry.subject);
  text("rule", entry.rule);
  text("detail", entry.detail);
  entry.status = integer_member(*document, "status").value_or(0);
  entry.line = integer_member(*document, "n").value_or(0);
  return entry;
}

std::optional<WallTime> parse_audit_time(std::string_view text) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const WallTime midnight{std::chrono::sys_days(date)};
  if (text.size() == 10) return midnight;
  if (text.size() < 17 || text[10] != 'T' || text.back() != 'Z' || text[13] != ':') {
    return std::nullopt;
  }
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const bool has_seconds = text.size() > 17;
  const auto second = has_seconds ? digits(text, 17, 2) : std::optional(0);
  if (!hour || !minute || !second || (has_seconds && text[16] != ':')) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const size_t whole = has_seconds ? 19 : 16;
  const auto part = fraction(text.substr(whole, text.size() - whole - 1));
  if (!part) return std::nullopt;
  return midnight + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + *part;
}

bool matches(const AuditFilter& filter, const AuditEntry& entry) {
  const auto is = [](const std::string& wanted, const std::string& have) {
    return wanted.empty() || wanted == have;
  };
  if (!is(filter.client, entry.client) || !is(filter.outcome, entry.outcome) ||
      !is(filter.event, entry.event) || !is(filter.reason, entry.reason)) {
    return false;
  }
  if (!filter.from && !filter.until) return true;
  const auto time = parse_audit_time(entry.time);
  return time && (!filter.from || *time >= *filter.from) &&
         (!filter.until || *time < *filter.until);
}

Result<uint64_t> for_each_entry(
    const std::vector<std::string>& files, const AuditFilter& filter,
    const std::function<void(const AuditEntry&, std::string_view)>& take) {
  uint64_t count = 0;
  for (const std::string& file : files) {
    CS_TRY(AuditReader reader, AuditReader::open(file));
    AuditReader::Line line;
    for (;;) {
      CS_TRY(const bool more, reader.next(line));
      if (!more || line.is_torn) break;
      const auto entry = parse_audit_entry(line.text);
      if (!entry || !matches(filter, *entry)) continue;
      ++count;
      take(*entry, line.text);
    }
  }
  return count;
}

Result<std::vector<std::string>> last_lines(const std::string& file, size_t count) {
  CS_TRY(AuditReader reader, AuditReader::open(file));
  // Lines are some hundred bytes long; if they are longer, there are fewer of them.
  const uint64_t reach = std::min<uint64_t>(reader.bytes(), 64 * 1024 + uint64_t{count} * 4096);
  std::vector<std::string> lines;
  if (!reader.seek(reader.bytes() - reach)) return lines;
  AuditReader::Line line;
  for (;;) {
    CS_TRY(const bool more, reader.next(line));
    if (!more || line.is_torn) break;
    lines.emplace_back(line.text);
  }
  if (lines.size() > count) {
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  }
  return lines;
}

Result<std::optional<AuditEntry>> find_decision(const std::vector<std::string>& files,
                                                std::string_view decision_id,
                                                const DecisionLookup& lookup) {
  std::optional<AuditEntry> found;
  const auto id = protocol::DecisionId::parse(decision_id);
  if (!id) return found;
  const WallTime from = id->time() - lookup.before;
  const WallTime until = id->time() + lookup.after;
  const std::string wanted = decision_member(decision_id);
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    auto reader = AuditReader::open(*file);
    if (!reader) continue;  // deleted meanwhile
    CS_CHECK(find_in(*reader, wanted, from, until, lookup.window_bytes_max, found));
    if (found) return found;
    // A file that begins before the decision has it, or none has.
    AuditReader::Line first;
    if (!reader->seek(0)) continue;
    CS_TRY(const bool any, reader->next(first));
    const auto begins = any ? time_of_line(first.text) : std::nullopt;
    if (begins && *begins < from) return found;
  }
  return found;
}

Result<std::optional<AuditEntry>> search_decision(const std::vector<std::string>& files,
                                                  std::string_view decision_id) {
  std::optional<AuditEntry> found;
  const std::string wanted = decision_member(decision_id);
  for (const std::string& file : files) {
    CS_TRY(AuditReader reader, AuditReader::open(file));
    AuditReader::Line line;
    for (;;) {
      CS_TRY(const bool more, reader.next(line));
      if (!more || line.is_torn) break;
      if (line.text.find(wanted) == std::string_view::npos) continue;
      if (auto entry = parse_audit_entry(line.text)) found = *std::move(entry);
    }
  }
  return found;
}

}  // namespace countersign::provider
