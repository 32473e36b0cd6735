// HeadEnd: where a head ends, read once however slowly it arrives.

#include "http/h1_codec.h"

namespace countersign::http {

// `scanned_` never stands between a CR and the byte behind it.
size_t HeadEnd::find(std::string_view buffer) {
  for (;;) {
    const std::string_view rest = buffer.substr(scanned_);
    const size_t lf = rest.find('\n');
    const std::string_view line = rest.substr(0, lf);
    const size_t cr = line.find('\r');
    if (cr != std::string_view::npos && cr + 1 < line.size()) return scanned_ + cr + 2;  // bare CR
    if (lf == std::string_view::npos) {
      scanned_ += cr == std::string_view::npos ? line.size() : cr;
      return std::string_view::npos;
    }
    const size_t end = scanned_ + lf + 1;
    if (cr == std::string_view::npos) return end;  // bare LF
    // An empty line behind another line; one at the very beginning may precede a request line.
    if (end >= 3 && buffer[end - 3] == '\n') return end;
    scanned_ = end;
  }
}

}  // namespace countersign::http
