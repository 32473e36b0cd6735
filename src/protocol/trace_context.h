// W3C Trace Context, level 1: reading and writing `traceparent`, and judging `tracestate`. Strict:
// what is not exactly of the form counts as absent, as the recommendation asks for. Not a tracer:
// nothing is recorded or sent anywhere.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::protocol {

inline constexpr std::string_view traceparent_field = "traceparent";
inline constexpr std::string_view tracestate_field = "tracestate";

// One hop of a trace. Ids as they are written: lower-case hexadecimal, never all zeros.
class TraceContext final {
 public:
  using RandomBytes = std::array<uint8_t, 24>;

  // Version 00 exactly; of a later version (but ff, which is none) the part that 00 has, as the
  // recommendation says. nullopt: start a new trace.
  static std::optional<TraceContext> parse(std::string_view traceparent);
  // A new trace, not sampled: nobody here decided to record it.
  static TraceContext start(const RandomBytes& random);
  // The next hop of this trace: same trace id, same sampled flag, a parent id of its own.
  TraceContext next(const RandomBytes& random) const;

  std::string_view trace_id() const { return text().substr(3, 32); }
  std::string_view parent_id() const { return text().substr(36, 16); }
  bool sampled() const { return text_[54] == '1'; }
  // "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  TraceContext() = default;
  std::array<char, 55> text_{};
};

// True if `value` (all tracestate fields joined by commas) is a list of at most 32 members of the
// form key=value, at most 512 bytes, with no key twice. Anything else is dropped as a whole.
bool is_tracestate(std::string_view value);

}  // namespace countersign::protocol
