#include "consumer/egress/access_log.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/json.h"

namespace countersign::consumer {
namespace {

// Enough to find it by, and no more of what a caller chose.
constexpr size_t key_bytes_shown = 35;

bool needs_no_escape(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

void append_text(std::string& out, std::string_view key, std::string_view value) {
  out.append(",\"").append(key).append("\":");
  if (needs_no_escape(value)) [[likely]] {
    out.append(1, '"').append(value).append(1, '"');
  } else {
    append_json_string(out, value);
  }
}

void append_digits(std::string& out, uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

void append_number(std::string& out, std::string_view key, uint64_t value) {
  out.append(",\"").append(key).append("\":");
  append_digits(out, value);
}

// `value` with leading zeros, `width` digits.
void append_padded(std::string& out, uint64_t value, size_t width) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  const auto size = static_cast<size_t>(end.ptr - digits.data());
  if (size < width) out.append(width - size, '0');
  out.append(digits.data(), size);
}

std::string to_second_text(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text;
  append_padded(text, static_cast<uint64_t>(std::max(0, static_cast<int>(date.year()))), 4);
  append_padded(text.append(1, '-'), static_cast<unsigned>(date.month()), 2);
  append_padded(text.append(1, '-'), static_cast<unsigned>(date.day()), 2);
  append_padded(text.append(1, 'T'), static_cast<uint64_t>(clock.hours().count()), 2);
  append_padded(text.append(1, ':'), static_cast<uint64_t>(clock.minutes().count()), 2);
  append_padded(text.append(1, ':'), static_cast<uint64_t>(clock.seconds().count()), 2);
  return text;
}

void append_milliseconds(std::string& out, BootClock::duration duration) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  const auto positive = static_cast<uint64_t>(std::max<int64_t>(0, microseconds));
  append_number(out, "ms", positive / 1000);
  append_padded(out.append(1, '.'), positive % 1000, 3);
}

}  // namespace

AccessLog::AccessLog(LogSink* sink, AccessLogOptions options) : sink_(sink), options_(options) {}

AccessLog::~AccessLog() {
  flush();
}

void AccessLog::append(const AccessRecord& record) {
  if (!sink_) return;
  buffer_ += "{\"time\":\"";
  append_time(record.time);
  buffer_ += '"';
  append_text(buffer_, "api", record.api);
  append_text(buffer_, "method", record.method);
  append_text(buffer_, "path", record.path);
  append_number(buffer_, "status", static_cast<uint64_t>(std::max(0, record.status)));
  append_text(buffer_, "outcome", name_of(record.outcome));
  append_number(buffer_, "attempts", static_cast<uint64_t>(std::max(0, record.attempts)));
  append_text(buffer_, "scheme", record.scheme);
  append_milliseconds(buffer_, record.duration);
  append_number(buffer_, "request_bytes", record.request_bytes);
  append_number(buffer_, "response_bytes", record.response_bytes);
  if (!record.idempotency_key.empty())
    append_text(buffer_, "key", record.idempotency_key.substr(0, key_bytes_shown));
  if (!record.caller.empty()) append_text(buffer_, "caller", record.caller);
  if (!record.trace_id.empty()) append_text(buffer_, "trace_id", record.trace_id);
  if (!record.decision_id.empty()) append_text(buffer_, "decision_id", record.decision_id);
  if (!record.code.empty()) append_text(buffer_, "code", record.code);
  if (!record.detail.empty()) append_text(buffer_, "detail", record.detail);
  buffer_ += '}';
  end_line();
}

void AccessLog::append_line(std::string_view json) {
  if (!sink_) return;
  buffer_ += json;
  end_line();
}

void AccessLog::end_line() {
  buffer_ += '\n';
  if (buffer_.size() >= options_.buffer_bytes_max) flush();
}

void AccessLog::flush() {
  if (buffer_.empty()) return;
  sink_->write(buffer_);
  buffer_.clear();
}

void AccessLog::append_time(WallTime time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second.time_since_epoch().count() != second_) {
    second_ = second.time_since_epoch().count();
    second_text_ = to_second_text(second);
  }
  const auto fraction = std::chrono::floor<std::chrono::milliseconds>(time - second).count();
  buffer_ += second_text_;
  append_padded(buffer_.append(1, '.'), static_cast<uint64_t>(fraction), 3);
  buffer_ += 'Z';
}

}  // namespace countersign::consumer
