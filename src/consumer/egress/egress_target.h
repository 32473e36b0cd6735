// Paths as the egress sees them: which API a request is for, and the target it goes out with.

#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace countersign::consumer {

// True if a server could take a segment of `path` for "." or "..", in whatever spelling:
// percent-encoded, behind an encoded slash or a backslash, or followed by a path parameter. Such a
// path could leave the prefix that chose its credential.
bool has_dot_segment(std::string_view path);

// True if `path` is `prefix` or below it, by whole segments. An empty prefix has every absolute
// path below it.
bool is_below(std::string_view path, std::string_view prefix);

// The target to send, without the first `stripped` bytes of the path. Usually a view into the
// request; otherwise into `storage`, which outlives its use.
std::string_view outgoing_target(const http::RequestHead& request, size_t stripped,
                                 std::string& storage);

}  // namespace countersign::consumer
