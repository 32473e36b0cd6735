#include "core/log.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>

#include <unistd.h>

#include "core/json.h"

namespace countersign {
namespace {

void append_padded(std::string& out, int64_t number, size_t width) {
  const std::string digits = std::to_string(number);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void append_double(std::string& out, double number) {
  // JSON has no infinities.
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  out.append(text.data(), end);
}

// A terminal obeys control bytes, so only printable ASCII reaches it as it is; the rest becomes
// \xNN.
void append_for_terminal(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  const bool plain = !text.empty() && text.find_first_of(" \"=\\") == std::string_view::npos;
  if (!plain) out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  if (!plain) out += '"';
}

// Writes one field's value in one of the two forms.
class ValueWriter final {
 public:
  ValueWriter(std::string& out, bool human) : out_(out), human_(human) {}

  void operator()(std::string_view value) const {
    if (human_) {
      append_for_terminal(out_, value);
    } else {
      append_json_string(out_, value);
    }
  }
  void operator()(int64_t value) const { out_ += std::to_string(value); }
  void operator()(uint64_t value) const { out_ += std::to_string(value); }
  void operator()(double value) const { append_double(out_, value); }
  void operator()(bool value) const { out_ += value ? "true" : "false"; }
  void operator()(const Error* value) const {
    if (human_) {
      append_for_terminal(out_, value->for_log());
      return;
    }
    out_ += "{\"code\":";
    append_json_string(out_, value->code);
    out_ += ",\"text\":";
    append_json_string(out_, value->public_text);
    if (!value->private_detail.empty()) {
      out_ += ",\"detail\":";
      append_json_string(out_, value->private_detail);
    }
    out_ += '}';
  }

 private:
  std::string& out_;
  bool human_;
};

std::string json_line(std::string_view time, LogLevel level, std::string_view event,
                      std::initializer_list<LogField> fields) {
  std::string line = "{\"time\":\"";
  line += time;
  line += "\",\"level\":\"";
  line += name_of(level);
  line += "\",\"event\":";
  append_json_string(line, event);
  for (const LogField& field : fields) {
    line += ',';
    append_json_string(line, field.name());
    line += ':';
    std::visit(ValueWriter(line, false), field.value());
  }
  line += "}\n";
  return line;
}

std::string human_line(std::string_view time, LogLevel level, std::string_view event,
                       std::initializer_list<LogField> fields) {
  std::string line(time);
  line += ' ';
  line += name_of(level);
  line += ' ';
  append_for_terminal(line, event);
  for (const LogField& field : fields) {
    line += ' ';
    append_for_terminal(line, field.name());
    line += '=';
    std::visit(ValueWriter(line, true), field.value());
  }
  line += '\n';
  return line;
}

}  // namespace

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  panic("a LogLevel without a name");
}

void DescriptorSink::write(std::string_view line) noexcept {
  while (!line.empty()) {
    const ssize_t written = ::write(descriptor_, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    line.remove_prefix(static_cast<size_t>(written));
  }
}

Log::Log(const Clock& clock, LogSink& sink, LogOptions options)
    : clock_(clock), sink_(sink), options_(options) {}

void Log::debug(std::string_view event, std::initializer_list<LogField> fields) const noexcept {
  write(LogLevel::debug, event, fields);
}
void Log::info(std::string_view event, std::initializer_list<LogField> fields) const noexcept {
  write(LogLevel::info, event, fields);
}
void Log::warning(std::string_view event, std::initializer_list<LogField> fields) const noexcept {
  write(LogLevel::warning, event, fields);
}
void Log::error(std::string_view event, std::initializer_list<LogField> fields) const noexcept {
  write(LogLevel::error, event, fields);
}

void Log::write(LogLevel level, std::string_view event,
                std::initializer_list<LogField> fields) const noexcept {
  if (!enabled(level)) return;
  const std::string time = format_time(clock_.wall_now());
  sink_.write(options_.human ? human_line(time, level, event, fields)
                             : json_line(time, level, event, fields));
}

const Log& process_log(LogLevel level) {
  static const SystemClock clock;
  static DescriptorSink sink(STDERR_FILENO);
  static const Log log(clock, sink, {.level = level, .human = isatty(STDERR_FILENO) == 1});
  return log;
}

std::string format_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text;
  append_padded(text, static_cast<int>(date.year()), 4);
  text += '-';
  append_padded(text, static_cast<unsigned>(date.month()), 2);
  text += '-';
  append_padded(text, static_cast<unsigned>(date.day()), 2);
  text += 'T';
  append_padded(text, clock.hours().count(), 2);
  text += ':';
  append_padded(text, clock.minutes().count(), 2);
  text += ':';
  append_padded(text, clock.seconds().count(), 2);
  text += '.';
  append_padded(text, clock.subseconds().count(), 6);
  text += 'Z';
  return text;
}

}  // namespace countersign
