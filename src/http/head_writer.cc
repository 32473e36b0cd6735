// HeadWriter of message.h: new heads, checked as they are written.

#include <algorithm>
#include <charconv>

#include "core/ascii.h"
#include "http/message.h"
#include "http/target.h"

namespace countersign::http {
namespace {

bool is_framing_field(std::string_view name) {
  return (name.size() == 14 && ascii::equal_ignoring_case(name, "content-length")) ||
         (name.size() == 17 && ascii::equal_ignoring_case(name, "transfer-encoding"));
}

struct Decimal {
  explicit Decimal(uint64_t value) : end(std::to_chars(text, text + sizeof text, value).ptr) {}
  std::string_view view() const { return {text, end}; }
  char text[20];
  char* end;
};

}  // namespace

void HeadWriter::request_line(std::string_view method, std::string_view target) {
  const bool form = target == "*" || (target.starts_with('/') && is_target_text(target));
  if (!is_token(method) || !form) {
    refused_ = true;
    return;
  }
  method_carries_body_ = method == "POST" || method == "PUT" || method == "PATCH";
  *out_ += method;
  *out_ += ' ';
  *out_ += target;
  *out_ += " HTTP/1.1\r\n";
}

void HeadWriter::status_line(int status) {
  if (status < 100 || status > 599) {
    refused_ = true;
    return;
  }
  status_ = status;
  *out_ += "HTTP/1.1 ";
  *out_ += Decimal(static_cast<uint64_t>(status)).view();
  *out_ += ' ';
  *out_ += reason_phrase(status);
  *out_ += "\r\n";
}

void HeadWriter::field(std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value) || is_framing_field(name)) {
    refused_ = true;
    return;
  }
  put(name, value);
}

void HeadWriter::field(std::string_view name, uint64_t value) {
  field(name, Decimal(value).view());
}

void HeadWriter::put(std::string_view name, std::string_view value) {
  const size_t before = out_->size();
  const size_t after = before + name.size() + value.size() + 4;
  // One growth, then plain copies. libstdc++ 12 hands the lambda the new capacity in place of the
  // size asked for.
  out_->resize_and_overwrite(after, [&](char* text, size_t) {
    char* at = text + before;
    at = std::copy(name.begin(), name.end(), at);
    *at++ = ':';
    *at++ = ' ';
    at = std::copy(value.begin(), value.end(), at);
    *at++ = '\r';
    *at = '\n';
    return after;
  });
}

void HeadWriter::framing(const BodyFraming& framing, bool is_request) {
  const bool no_content = !is_request && status_forbids_body(status_);
  switch (framing.kind) {
    case BodyFraming::Kind::length:
      // RFC 9110 §8.6: never in 1xx and 204; a 304 may say what a 200 would have.
      if (no_content && status_ != 304) {
        refused_ = true;
      } else {
        put("Content-Length", Decimal(framing.length).view());
      }
      return;
    case BodyFraming::Kind::chunked:
      if (no_content && status_ != 304) {
        refused_ = true;
      } else {
        put("Transfer-Encoding", "chunked");
      }
      return;
    case BodyFraming::Kind::until_close:
      if (is_request || no_content) refused_ = true;
      return;
    case BodyFraming::Kind::none:
      if (is_request ? method_carries_body_ : !no_content) put("Content-Length", "0");
      return;
  }
}

Result<void> HeadWriter::finish() {
  if (refused_) {
    return fail(ErrorKind::internal, "http.bad_field", "a message could not be written",
                "its first line or a field holds bytes that would split it");
  }
  *out_ += "\r\n";
  return {};
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace countersign::http
