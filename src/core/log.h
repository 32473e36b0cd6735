// The process's own log: one JSON object a line, `time`, `level` and `event` first, then the fields
// in the given order.
//
// Not the audit trail and not the access log (provider/audit, egress). An event is a stable name
// ("egress.renewal_failed"), and what varies is a field: there is no free text to build, so nothing
// slips into it. A Secret cannot be logged: it does not compile.

#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "core/clock.h"
#include "core/error.h"

namespace countersign {

class Secret;

enum class LogLevel { debug, info, warning, error };

std::string_view name_of(LogLevel level);

// A name and a value, for the length of one call: it refers to what it was given.
class LogField final {
 public:
  using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool, const Error*>;

  LogField(std::string_view name, std::string_view value) : name_(name), value_(value) {}
  LogField(std::string_view name, const char* value)
      : name_(name), value_(std::string_view(value)) {}
  LogField(std::string_view name, const std::string& value)
      : LogField(name, std::string_view(value)) {}
  template <std::signed_integral T>
  LogField(std::string_view name, T value) : name_(name), value_(static_cast<int64_t>(value)) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  LogField(std::string_view name, T value) : name_(name), value_(static_cast<uint64_t>(value)) {}
  LogField(std::string_view name, std::same_as<bool> auto value) : name_(name), value_(value) {}
  LogField(std::string_view name, double value) : name_(name), value_(value) {}
  // An object with `code`, `text` and, where there is one, `detail`.
  LogField(std::string_view name, const Error& value) : name_(name), value_(&value) {}
  LogField(std::string_view name, const Secret& value) = delete;

  std::string_view name() const { return name_; }
  const Value& value() const { return value_; }

 private:
  std::string_view name_;
  Value value_;
};

// Where lines go. write() is called by any thread and gets whole lines with their newline; it never
// fails for the caller.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(std::string_view line) noexcept = 0;
};

// One write(2) a line, so that lines of threads and processes do not mix (pipes: up to PIPE_BUF). A
// line is lost if the descriptor is closed or full and non-blocking: logging never stops the
// process. Does not own the descriptor.
class DescriptorSink final : public LogSink {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}
  void write(std::string_view line) noexcept override;

 private:
  int descriptor_;
};

struct LogOptions {
  LogLevel level = LogLevel::info;  // what is below it is not written
  bool human = false;               // "time LEVEL event name=value …" instead of JSON
};

class Log final {
 public:
  // `clock` and `sink` outlive the log.
  Log(const Clock& clock, LogSink& sink, LogOptions options = {});

  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const noexcept;
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) const noexcept;
  void warning(std::string_view event, std::initializer_list<LogField> fields = {}) const noexcept;
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) const noexcept;

  // For fields that are dear to compute.
  bool enabled(LogLevel level) const { return level >= options_.level; }

 private:
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) const noexcept;

  const Clock& clock_;
  LogSink& sink_;
  LogOptions options_;
};

// What a program starts with: standard error and the machine's clock; the human form if standard
// error is a terminal. The reference is valid until the process ends.
const Log& process_log(LogLevel level = LogLevel::info);

// RFC 3339 §5.6: UTC with microseconds, "2027-01-15T08:00:00.000000Z".
std::string format_time(WallTime time);

}  // namespace countersign
