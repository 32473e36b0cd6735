// Two ByteStreams joined in memory, for tests and for whole servers without sockets. Each direction
// holds a bounded number of bytes, so that back-pressure is real. Both ends belong to one thread.

#pragma once

#include <memory>
#include <utility>

#include "core/executor.h"
#include "http/byte_stream.h"

namespace countersign::http {

struct MemoryStreamOptions {
  size_t capacity_bytes = 64 * 1024;  // of each direction
  size_t slice_bytes = SIZE_MAX;      // at most this much moves in one try: 1 splits everything
  Endpoint first_address;             // what the second end sees as its peer
  Endpoint second_address;
};

std::pair<std::unique_ptr<ByteStream>, std::unique_ptr<ByteStream>> make_memory_streams(
    Executor& executor, const MemoryStreamOptions& options = {});

}  // namespace countersign::http
