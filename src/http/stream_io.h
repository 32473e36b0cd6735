// Small steps that the HTTP/1 drivers of both sides share.

#pragma once

#include <string_view>

#include "core/task.h"
#include "http/byte_stream.h"

namespace countersign::http {

enum class WriteOutcome { written, timed_out, lost };

// Writes all of `bytes` (which outlive the Task), waiting as often as the peer makes it wait. The
// stream's deadline holds for each wait.
Task<WriteOutcome> write_all(ByteStream& stream, std::string_view bytes);

// Ends a connection so that the peer can still read the last answer: sends the end, then reads and
// drops what the peer had under way (at most 256 KiB, until `deadline`), then closes. Without this
// a reset could overtake the answer.
Task<void> linger(ByteStream& stream, BootTime deadline);

}  // namespace countersign::http
