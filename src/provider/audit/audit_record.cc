#include "provider/audit/audit_record.h"

#include <array>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

#include "core/json.h"

namespace countersign::provider {

namespace {

void append_number(std::string& out, uint64_t number) {
  const fmt::format_int digits(number);
  out.append(digits.data(), digits.size());
}

// Six digits with leading zeros.
void append_micros(std::string& out, int64_t micros) {
  std::array<char, 6> digits;
  for (size_t i = digits.size(); i-- > 0; micros /= 10) {
    digits[i] = static_cast<char>('0' + micros % 10);
  }
  out.append(digits.data(), digits.size());
}

// `member` is the whole `,"name":`.
void append_text(std::string& out, std::string_view member, std::string_view value) {
  if (value.empty()) return;
  out += member;
  if (value.size() <= audit_text_bytes_max) [[likely]] {
    append_json_string(out, value);
  } else {
    append_json_string(out, std::string(value.substr(0, audit_text_bytes_max)).append("[cut]"));
  }
}

void append_count(std::string& out, std::string_view member, uint64_t value) {
  if (value == 0) return;
  out += member;
  append_number(out, value);
}

void append_address(std::string& out, const IpAddress* address) {
  if (address == nullptr) return;
  out += ",\"remote\":\"";
  if (address->is_v4()) {
    for (size_t i = 0; i < 4; ++i) {
      if (i > 0) out += '.';
      append_number(out, address->octets()[i]);
    }
  } else {
    out += address->to_string();
  }
  out += '"';
}

// The first 12 bytes, base64url: 16 characters, enough to tell certificates apart in a log.
void append_thumbprint(std::string& out, ByteView thumbprint) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  constexpr size_t short_bytes = 12;
  if (thumbprint.size() < short_bytes) return;
  out += ",\"certificate\":\"";
  for (size_t i = 0; i < short_bytes; i += 3) {
    const uint32_t bits = static_cast<uint32_t>(thumbprint[i]) << 16 |
                          static_cast<uint32_t>(thumbprint[i + 1]) << 8 | thumbprint[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) out += alphabet[(bits >> shift) & 63];
  }
  out += '"';
}

}  // namespace

std::string_view name_of(AuditEvent event) {
  switch (event) {
    case AuditEvent::log_opened:
      return "log_opened";
    case AuditEvent::request:
      return "request";
    case AuditEvent::request_open:
      return "request_open";
    case AuditEvent::token:
      return "token";
    case AuditEvent::change_begun:
      return "change_begun";
    case AuditEvent::change:
      return "change";
    case AuditEvent::alert:
      return "alert";
    case AuditEvent::log_repaired:
      return "log_repaired";
    case AuditEvent::log_pruned:
      return "log_pruned";
  }
  panic("an audit event without a name");
}

std::string_view name_of(AuditOutcome outcome) {
  switch (outcome) {
    case AuditOutcome::none:
      return "";
    case AuditOutcome::allow:
      return "allow";
    case AuditOutcome::deny:
      return "deny";
  }
  panic("an audit outcome without a name");
}

AuditLineWriter::AuditLineWriter(std::string_view node) {
  append_text(node_member_, ",\"node\":", node);
}

void AuditLineWriter::append_time(std::string& out, WallTime time) {
  const int64_t second = to_unix_seconds(time);
  if (second != second_) {
    second_ = second;
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time) - day);
    second_text_ =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  }
  out += second_text_;
  append_micros(out, (time - from_unix_seconds(second)).count());
  out += 'Z';
}

std::string AuditLineWriter::time_text(WallTime time) {
  std::string text;
  append_time(text, time);
  return text;
}

void AuditLineWriter::append(std::string& out, const AuditRecord& record, WallTime time) {
  out += "{\"time\":\"";
  append_time(out, time);
  out += '"';
  out += node_member_;
  out += ",\"event\":\"";
  out += name_of(record.event);
  out += '"';
  append_text(out, ",\"outcome\":", name_of(record.outcome));
  append_text(out, ",\"decision\":", record.decision_id);
  append_text(out, ",\"reason\":", record.reason);
  append_text(out, ",\"client\":", record.client);
  append_text(out, ",\"credential\":", record.credential_id);
  append_text(out, ",\"scheme\":", record.scheme);
  append_text(out, ",\"token\":", record.token_id);
  append_text(out, ",\"scopes\":", record.scopes);
  append_text(out, ",\"method\":", record.method);
  append_text(out, ",\"route\":", record.route);
  append_text(out, ",\"path\":", record.path);
  append_count(out, ",\"status\":", static_cast<uint64_t>(record.status));
  append_address(out, record.remote);
  append_thumbprint(out, record.certificate_thumbprint);
  if (record.upstream.count() >= 0) {
    out += ",\"upstream_us\":";
    append_number(out, static_cast<uint64_t>(record.upstream.count()));
  }
  append_count(out, ",\"request_bytes\":", record.request_bytes);
  append_count(out, ",\"response_bytes\":", record.response_bytes);
  append_text(out, ",\"actor\":", record.actor);
  append_text(out, ",\"action\":", record.action);
  append_text(out, ",\"subject\":", record.subject);
  append_text(out, ",\"rule\":", record.rule);
  append_text(out, ",\"detail\":", record.detail);
  out += "}\n";
}

}  // namespace countersign::provider
