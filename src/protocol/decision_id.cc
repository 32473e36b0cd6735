#include "protocol/decision_id.h"

#include <algorithm>
#include <span>

namespace countersign::protocol {
namespace {

constexpr std::string_view crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t time_chars = 10;  // 50 bits, the upper two always zero
constexpr int time_bits = 48;

void write_base32(std::span<char> out, uint64_t value) {
  for (size_t i = out.size(); i-- > 0; value >>= 5) out[i] = crockford[value & 31];
}

uint64_t big_endian_40(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (const uint8_t byte : bytes.first(5)) value = (value << 8) | byte;
  return value;
}

}  // namespace

DecisionId::DecisionId() {
  text_.fill('0');
}

std::optional<DecisionId> DecisionId::parse(std::string_view text) {
  if (text.size() != chars || text.front() > '7') return std::nullopt;
  if (text.find_first_not_of(crockford) != std::string_view::npos) return std::nullopt;
  DecisionId id;
  std::ranges::copy(text, id.text_.begin());
  return id;
}

WallTime DecisionId::time() const {
  uint64_t milliseconds = 0;
  for (const char c : text().substr(0, time_chars)) {
    milliseconds = (milliseconds << 5) | crockford.find(c);
  }
  return WallTime(std::chrono::milliseconds(static_cast<int64_t>(milliseconds)));
}

DecisionId DecisionIds::next(WallTime now) {
  if (used_ == pool_bytes) {
    entropy_.fill(pool_);
    used_ = 0;
  }
  const auto random = std::span<const uint8_t>(pool_).subspan(used_, random_bytes);
  used_ += random_bytes;
  const auto milliseconds =
      std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count();
  DecisionId id;
  const std::span<char> text = id.text_;
  write_base32(text.first(time_chars),
               static_cast<uint64_t>(milliseconds) & ((uint64_t{1} << time_bits) - 1));
  write_base32(text.subspan(time_chars, 8), big_endian_40(random));
  write_base32(text.subspan(time_chars + 8), big_endian_40(random.subspan(5)));
  return id;
}

}  // namespace countersign::protocol
