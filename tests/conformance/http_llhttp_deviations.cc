// The table itself: each row says what we do instead, and why.

#include "http_llhttp_deviations.h"

#include <algorithm>
#include <iterator>

namespace countersign::testing {
namespace {

constexpr LlhttpDeviation deviations[] = {
    // Taken here, not there.
    {"request/connection.md: Multiple tokens with folding and LWS", "",
     "llhttp stops at an upgrade; we never switch by ourselves, and read on in HTTP as RFC 9110 "
     "§7.8 has it"},
    {"request/connection.md: Setting a flag and pausing", "", "the same"},
    {"request/connection.md: Emitting part of body and pausing", "", "the same"},
    {"request/connection.md: Upgrade GET request", "", "the same"},
    {"request/connection.md: Upgrade POST request", "", "the same"},
    {"request/invalid.md: HTTP protocol and ANNOUNCE method", "",
     "any token is a method (RFC 9110 §9.1); routes decide which are known"},
    {"request/invalid.md: Invalid method", "", "the same"},
    {"request/invalid.md: Invalid HTTP version", "",
     "the bytes end before their line does, and a line is judged whole; with its end it is "
     "refused"},
    // Stops earlier there.
    {"request/content-length.md: Content-Length reset when no body is received", "",
     "llhttp is told to skip the body of a request; we wait for its 123 bytes"},
    // Stricter here: RFC 9112 leaves a choice, and we choose the one spelling.
    {"request/connection.md: CRLF between requests, implicit `keep-alive`", "http.bad_request_line",
     "one empty line before a request is passed over, here are two"},
    {"request/content-length.md: `Content-Length` with zeroes", "http.bad_content_length",
     "a length with leading zeros has been read as octal"},
    {"request/content-length.md: `Content-Length` with follow-up headers",
     "http.bad_content_length", "the same"},
    {"request/method.md: M-SEARCH request", "http.bad_target",
     "asterisk-form is for OPTIONS only (RFC 9112 §3.2.4)"},
    {"request/method.md: SOURCE request with ICE", "http.bad_version", "another protocol"},
    {"request/method.md: OPTIONS request with RTSP", "http.bad_version", "another protocol"},
    {"request/method.md: ANNOUNCE request with RTSP", "http.bad_version", "another protocol"},
    {"request/sample.md: curl GET", "http.bad_host",
     "\"0.0.0.0=5000\": a host is letters, digits, '-', '.', '_'"},
    {"request/sample.md: Firefox GET", "http.bad_host", "the same"},
    {"request/sample.md: No HTTP version", "http.bad_request_line", "HTTP/0.9"},
    {"request/transfer-encoding.md: POST with `chunked` as last transfer-encoding",
     "http.unsupported_transfer_encoding", "we take off no coding but chunked: 501"},
    {"request/transfer-encoding.md: POST with `chunked` as last transfer-encoding (multiple "
     "headers)",
     "http.bad_transfer_encoding", "the same, and the first field alone is refused"},
    {"request/uri.md: Quotes in URI", "http.bad_target", "RFC 3986 has no '\"' in it"},
    {"request/uri.md: Host terminated by a query string", "http.bad_target",
     "in absolute-form a query needs a path before it"},
    {"request/uri.md: `host:port` terminated by a query string", "http.bad_target", "the same"},
    {"request/uri.md: Query URL with vertical bar character", "http.bad_target",
     "RFC 3986 has no '|' in it"},
    {"request/uri.md: Fragment in URI", "http.bad_target",
     "a fragment is never sent (RFC 9110 §7.1)"},
    {"request/uri.md: `host:port` and basic auth", "http.bad_target",
     "RFC 9110 §4.2.4: user information in a target is an error"},
    {"response/connection.md: HTTP 304 with Content-Length", "http.bad_status_line",
     "RFC 9112 §2.2 allows an empty line before requests only"},
    {"response/connection.md: HTTP 100 first, then 400", "http.bad_status_line", "the same"},
    {"response/pipelining.md: Should parse multiple events", "http.bad_status_line", "the same"},
    {"response/sample.md: Response starting with CRLF", "http.bad_status_line", "the same"},
    {"response/sample.md: RTSP response", "http.bad_status_line", "another protocol"},
    {"response/sample.md: ICE response", "http.bad_status_line", "another protocol"},
    {"response/sample.md: No reason phrase", "http.bad_status_line",
     "RFC 9112 §4: the space behind the status stands even without a reason"},
    {"response/sample.md: HTTP version 0.9", "http.bad_version",
     "no response of HTTP/0.9 has a head"},
    {"response/transfer-encoding.md: `chunked` before other transfer-encoding",
     "http.bad_transfer_encoding",
     "llhttp reads to the end of the connection; what the coding is nobody could tell"},
    {"response/transfer-encoding.md: multiple transfer-encoding where chunked is not the last one",
     "http.repeated_transfer_encoding", "the same"},
    {"response/transfer-encoding.md: `chunkedchunked` transfer-encoding does not enable chunked "
     "enconding",
     "http.bad_transfer_encoding", "the same"},
};

}  // namespace

std::span<const LlhttpDeviation> all_deviations() {
  return deviations;
}

const LlhttpDeviation* find_deviation(std::string_view id) {
  const auto found = std::ranges::find(deviations, id, &LlhttpDeviation::id);
  return found == std::end(deviations) ? nullptr : found;
}

}  // namespace countersign::testing
