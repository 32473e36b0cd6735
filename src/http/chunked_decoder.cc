// The chunked transfer coding (RFC 9112 §7.1), one byte a step outside of data.

#include <algorithm>
#include <charconv>

#include "http/char_class.h"
#include "http/h1_codec.h"

namespace countersign::http {
namespace {

constexpr int size_digits_max = 15;  // 60 bits: no overflow anywhere

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) {
  size_t at = 0;
  if (!refusal_.empty()) return {State::refused, 0, {}, refusal_};
  while (at < input.size() && phase_ != Phase::ended) {
    if (phase_ == Phase::data) {
      const auto piece = static_cast<size_t>(std::min<uint64_t>(remaining_, input.size() - at));
      remaining_ -= piece;
      if (remaining_ == 0) phase_ = Phase::data_cr;
      return {State::data, at + piece, input.substr(at, piece), {}};
    }
    const Phase following = step(input[at]);
    if (!refusal_.empty()) return {State::refused, at, {}, refusal_};
    phase_ = following;
    ++at;
  }
  return {phase_ == Phase::ended ? State::end : State::need_more, at, {}, {}};
}

ChunkedDecoder::Phase ChunkedDecoder::refuse(std::string_view code) {
  refusal_ = code;
  return phase_;
}

void ChunkedDecoder::reset() {
  *this = ChunkedDecoder();
}

ChunkedDecoder::Phase ChunkedDecoder::step(char c) {
  switch (phase_) {
    case Phase::size:
    case Phase::size_lf:
      return step_size_line(c);
    case Phase::data_cr:
      if (c == '\r') return Phase::data_lf;
      return refuse("http.chunk_data_not_ended");
    case Phase::data_lf:
      size_digits_ = 0;
      extension_bytes_ = 0;
      if (c == '\n') return Phase::size;
      return refuse("http.chunk_data_not_ended");
    case Phase::trailer_start:
    case Phase::trailer_name:
    case Phase::trailer_value:
    case Phase::trailer_lf:
    case Phase::final_lf:
      return step_trailer(c);
    default:
      return step_extension(c);
  }
}

ChunkedDecoder::Phase ChunkedDecoder::step_size_line(char c) {
  if (phase_ == Phase::size_lf) {
    if (c == '\n') return remaining_ == 0 ? Phase::trailer_start : Phase::data;
    return refuse("http.bad_line_end");
  }
  if (const int digit = chars::hex_value(c); digit >= 0) {
    remaining_ = remaining_ * 16 + static_cast<uint64_t>(digit);
    return ++size_digits_ > size_digits_max ? refuse("http.chunk_size_too_large") : phase_;
  }
  if (size_digits_ > 0 && c == '\r') return Phase::size_lf;
  if (size_digits_ > 0 && c == ';') return Phase::extension;
  return refuse("http.bad_chunk_size");
}

// RFC 9112 §7.1.1, without the white space that its grammar lets recipients tolerate.
ChunkedDecoder::Phase ChunkedDecoder::step_extension(char c) {
  if (++extension_bytes_ > extension_bytes_max) return refuse("http.chunk_extension_too_long");
  const bool token = chars::is(c, chars::token);
  const bool may_end = phase_ == Phase::extension_name || phase_ == Phase::extension_token ||
                       phase_ == Phase::extension_ended;
  if (may_end && c == '\r') return Phase::size_lf;
  if (may_end && c == ';') return Phase::extension;
  switch (phase_) {
    case Phase::extension:
      if (token) return Phase::extension_name;
      break;
    case Phase::extension_name:
      if (token) return phase_;
      if (c == '=') return Phase::extension_equals;
      break;
    case Phase::extension_equals:
      if (c == '"') return Phase::extension_quoted;
      if (token) return Phase::extension_token;
      break;
    case Phase::extension_token:
      if (token) return phase_;
      break;
    case Phase::extension_quoted:
      if (c == '"') return Phase::extension_ended;
      if (c == '\\') return Phase::extension_escaped;
      if (chars::is(c, chars::quoted_text)) return phase_;
      break;
    case Phase::extension_escaped:
      if (chars::is(c, chars::field_value)) return Phase::extension_quoted;
      break;
    default:
      break;
  }
  return refuse("http.bad_chunk_extension");
}

ChunkedDecoder::Phase ChunkedDecoder::step_trailer(char c) {
  if (++trailer_bytes_ > trailer_bytes_max) return refuse("http.trailers_too_large");
  switch (phase_) {
    case Phase::trailer_start:
      if (c == '\r') return Phase::final_lf;
      if (chars::is(c, chars::token)) return Phase::trailer_name;
      break;
    case Phase::trailer_name:
      if (c == ':') return Phase::trailer_value;
      if (chars::is(c, chars::token)) return phase_;
      break;
    case Phase::trailer_value:
      if (c == '\r') return Phase::trailer_lf;
      if (chars::is(c, chars::field_value)) return phase_;
      break;
    case Phase::trailer_lf:
      if (c == '\n') return Phase::trailer_start;
      break;
    case Phase::final_lf:
      if (c == '\n') return Phase::ended;
      break;
    default:
      break;
  }
  return refuse("http.bad_trailer");
}

void append_chunk_header(std::string& out, size_t bytes) {
  char text[2 * sizeof bytes + 2];
  char* end = std::to_chars(text, text + 2 * sizeof bytes, bytes, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(text, end);
}

}  // namespace countersign::http
