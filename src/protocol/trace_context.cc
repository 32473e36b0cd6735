#include "protocol/trace_context.h"

#include <algorithm>
#include <span>

#include "core/ascii.h"

namespace countersign::protocol {
namespace {

constexpr size_t tracestate_bytes_max = 512;
constexpr size_t members_max = 32;
constexpr std::string_view digits = "0123456789abcdef";

bool is_lower_hex(std::string_view text) {
  return text.find_first_not_of(digits) == std::string_view::npos;
}

bool is_id(std::string_view text) {
  return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

// Never all zeros, whatever the bytes.
void write_id(std::span<const uint8_t> bytes, char* out) {
  bool zeros = true;
  for (const uint8_t byte : bytes) {
    zeros = zeros && byte == 0;
    *out++ = digits[byte >> 4];
    *out++ = digits[byte & 15];
  }
  if (zeros) out[-1] = '1';
}

bool is_key_character(char c) {
  return ascii::is_lower(c) || ascii::is_digit(c) || c == '_' || c == '-' || c == '*' || c == '/';
}

// key = lcalpha 0*255(…), or tenant "@" system.
bool is_key(std::string_view key) {
  const size_t at = key.find('@');
  const auto is_part = [](std::string_view part, size_t bytes_max) {
    return !part.empty() && part.size() <= bytes_max && std::ranges::all_of(part, is_key_character);
  };
  if (at == std::string_view::npos) return is_part(key, 256) && ascii::is_lower(key.front());
  const std::string_view system = key.substr(at + 1);
  const std::string_view tenant = key.substr(0, at);
  return is_part(tenant, 241) &&
         (ascii::is_lower(tenant.front()) || ascii::is_digit(tenant.front())) &&
         is_part(system, 14) && ascii::is_lower(system.front());
}

// Visible ASCII and inner spaces, no comma, no '='.
bool is_value(std::string_view value) {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::ranges::all_of(value,
                             [](char c) { return c >= 0x20 && c < 0x7f && c != ',' && c != '='; });
}

}  // namespace

std::optional<TraceContext> TraceContext::parse(std::string_view value) {
  constexpr size_t bytes = 55;
  if (value.size() < bytes || !is_lower_hex(value.substr(0, 2))) return std::nullopt;
  const std::string_view version = value.substr(0, 2);
  if (version == "ff") return std::nullopt;
  if (value.size() > bytes && (version == "00" || value[bytes] != '-')) return std::nullopt;
  if (value[2] != '-' || value[35] != '-' || value[52] != '-') return std::nullopt;
  const std::string_view flags = value.substr(53, 2);
  if (!is_id(value.substr(3, 32)) || !is_id(value.substr(36, 16)) || !is_lower_hex(flags))
    return std::nullopt;
  TraceContext context;
  std::ranges::copy(value.substr(0, bytes), context.text_.begin());
  context.text_[0] = context.text_[1] = '0';
  // Of the flags only "sampled" is defined; others are not passed on.
  context.text_[53] = '0';
  context.text_[54] = (digits.find(flags[1]) & 1) != 0 ? '1' : '0';
  return context;
}

TraceContext TraceContext::start(const RandomBytes& random) {
  TraceContext context;
  constexpr std::string_view form = "00-00000000000000000000000000000000-0000000000000000-00";
  std::ranges::copy(form, context.text_.begin());
  write_id(std::span(random).first<16>(), context.text_.data() + 3);
  write_id(std::span(random).last<8>(), context.text_.data() + 36);
  return context;
}

TraceContext TraceContext::next(const RandomBytes& random) const {
  TraceContext context = *this;
  write_id(std::span(random).last<8>(), context.text_.data() + 36);
  return context;
}

bool is_tracestate(std::string_view value) {
  if (value.empty() || value.size() > tracestate_bytes_max) return false;
  std::array<std::string_view, members_max> keys;
  size_t members = 0;
  for (std::string_view rest = value; !rest.empty();) {
    const size_t comma = rest.find(',');
    const std::string_view member = ascii::trim(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    if (member.empty()) continue;  // an empty member is allowed and means nothing
    const size_t equals = member.find('=');
    if (equals == std::string_view::npos || members == members_max) return false;
    const std::string_view key = member.substr(0, equals);
    if (!is_key(key) || !is_value(member.substr(equals + 1))) return false;
    const auto end = keys.begin() + static_cast<std::ptrdiff_t>(members);
    if (std::find(keys.begin(), end, key) != end) return false;
    keys[members++] = key;
  }
  return members > 0;
}

}  // namespace countersign::protocol
