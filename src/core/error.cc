#include "core/error.h"

#include <cstdio>
#include <cstdlib>

namespace countersign {

std::string_view name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_input:
      return "invalid_input";
    case ErrorKind::unauthenticated:
      return "unauthenticated";
    case ErrorKind::forbidden:
      return "forbidden";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::too_large:
      return "too_large";
    case ErrorKind::rate_limited:
      return "rate_limited";
    case ErrorKind::timed_out:
      return "timed_out";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::misconfigured:
      return "misconfigured";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::internal:
      return "internal";
  }
  panic("an ErrorKind without a name");
}

std::string Error::for_log() const {
  std::string text = code + ": " + public_text;
  if (!private_detail.empty()) text += " (" + private_detail + ")";
  return text;
}

Error make_error(ErrorKind kind, std::string_view code, std::string_view public_text,
                 std::string_view private_detail) {
  return Error{kind, std::string(code), std::string(public_text), std::string(private_detail)};
}

void panic(std::string_view what) {
  std::fprintf(stderr, "countersign: broken invariant: %.*s\n", static_cast<int>(what.size()),
               what.data());
  std::abort();
}

}  // namespace countersign
