// The egress's view of a request's target. Whatever arrives, what goes out stays below the prefix
// that chose the credential, and no server can read a dot segment into it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "consumer/egress/egress_target.h"
#include "core/ascii.h"
#include "core/error.h"
#include "http/h1_codec.h"
#include "http/target.h"

namespace {

using namespace countersign;
using namespace countersign::consumer;

void require(bool holds, std::string_view what) {
  if (!holds) panic(what);
}

// The laxest reading that a server is known to have: decoded once, backslashes are slashes, and
// what follows a ';' in a segment is a parameter.
bool lax_server_sees_dots(std::string_view path) {
  const auto decoded = http::decode_percent(path, http::PlusSign::literal);
  if (!decoded) return false;
  std::string segment;
  for (const char c : *decoded + "/") {
    if (c != '/' && c != '\\') {
      segment += c;
      continue;
    }
    const std::string_view name = std::string_view(segment).substr(0, segment.find(';'));
    if (name == "." || name == "..") return true;
    segment.clear();
  }
  return false;
}

void check_outgoing(const http::RequestHead& head, std::string_view prefix) {
  if (has_dot_segment(head.path) || !is_below(head.path, prefix)) return;
  std::string storage;
  const std::string_view target = outgoing_target(head, prefix.size(), storage);
  require(target.starts_with('/'), "a target that is no path");
  require(http::is_target_text(target), "a target that no request line may hold");
  const auto parts = http::split_target(target);
  require(parts.query == head.query, "the query changed");
  require(std::string(prefix).append(parts.path) == head.path || parts.path == "/",
          "the path changed");
}

}  // namespace

// The input is a target; as a path by itself, and inside a request that the codec accepts.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  require(has_dot_segment(input) || !lax_server_sees_dots(input), "a hidden dot segment");
  const std::string request = "GET " + std::string(input) + " HTTP/1.1\r\nHost: a.example\r\n\r\n";
  http::RequestHead head;
  const http::ParseResult parsed = http::parse_request_head(request, {}, head);
  if (parsed.state != http::ParseState::complete) return 0;
  for (const std::string_view prefix : {"", "/acme", "/acme/v1"}) check_outgoing(head, prefix);
  return 0;
}
