// The egress's access log: one JSON object a line for every request, written into a buffer of the
// loop and handed to the sink when the owner flushes at the end of a loop's turn.
//
// No line holds a secret: neither credentials nor queries nor bodies get here. What came from
// outside is escaped, so that nothing a caller sends can look like a line of its own.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "consumer/outcome.h"
#include "core/clock.h"
#include "core/log.h"

namespace countersign::consumer {

struct AccessRecord {
  WallTime time{};  // when the request came
  std::string_view api = {};
  std::string_view scheme = {};
  std::string_view method = {};
  std::string_view path = {};  // without the query
  int status = 0;              // 0: the caller got no answer
  CallOutcome outcome = CallOutcome::not_sent;
  int attempts = 0;  // how often it was begun to be sent
  BootClock::duration duration{};
  uint64_t request_bytes = 0;  // of the body
  uint64_t response_bytes = 0;
  std::string_view idempotency_key = {};  // of a write that had one; its beginning is logged
  std::string_view caller = {};           // "unix:uid=1000" or an address
  std::string_view trace_id = {};         // 32 hexadecimal digits; empty: none
  std::string_view decision_id = {};      // the gateway's, if it gave one
  std::string_view code = {};             // what went wrong, if anything
  std::string_view detail = {};           // and why, for the operator of this side
};

struct AccessLogOptions {
  // Flushed by itself beyond this, so that one busy turn cannot grow the buffer without bound.
  size_t buffer_bytes_max = 64 * 1024;
};

// Belongs to one loop.
class AccessLog final {
 public:
  // The sink outlives the log and gets whole lines. Null: nothing is logged.
  explicit AccessLog(LogSink* sink, AccessLogOptions options = {});
  ~AccessLog();  // flushes
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  bool enabled() const { return sink_ != nullptr; }
  void append(const AccessRecord& record);
  // One finished JSON object without a line end; for lines of other kinds.
  void append_line(std::string_view json);
  // For the end of a loop's turn: cheap when there is nothing.
  void flush();

 private:
  void append_time(WallTime time);
  void end_line();

  LogSink* sink_;
  AccessLogOptions options_;
  std::string buffer_;
  int64_t second_ = INT64_MIN;  // whose text second_text_ is
  std::string second_text_;     // "2027-01-15T08:00:00"
};

}  // namespace countersign::consumer
