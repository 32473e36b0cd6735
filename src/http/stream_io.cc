#include "http/stream_io.h"

#include <array>

namespace countersign::http {

Task<WriteOutcome> write_all(ByteStream& stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const IoResult result = stream.try_write(bytes);
    if (result.status == IoStatus::ok) {
      bytes.remove_prefix(result.bytes);
    } else if (result.status == IoStatus::again) {
      const WakeReason why = co_await writable(stream);
      if (why == WakeReason::timed_out) co_return WriteOutcome::timed_out;
      if (why == WakeReason::closed) co_return WriteOutcome::lost;
    } else {
      co_return WriteOutcome::lost;
    }
  }
  co_return WriteOutcome::written;
}

Task<void> linger(ByteStream& stream, BootTime deadline) {
  constexpr size_t dropped_max = 256 * 1024;
  std::array<char, 4096> dropped;
  size_t total = 0;
  stream.shutdown_write();
  stream.set_deadline(deadline);
  while (total < dropped_max) {
    const IoResult result = stream.try_read(dropped);
    if (result.status == IoStatus::ok) {
      total += result.bytes;
    } else if (result.status != IoStatus::again || co_await readable(stream) != WakeReason::ready) {
      break;
    }
  }
  stream.close();
}

}  // namespace countersign::http
