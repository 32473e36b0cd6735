// Decision ids: one for each decision of gateway and issuer, in the answer, in the audit and in the
// log, so that both companies can talk about the same one. 26 characters that sort by time: 48 bits
// of milliseconds, 80 random bits, in Crockford's base32 (no I, L, O, U). The form is that of a
// ULID.
//
// An id tells when the decision was made and nothing else: not how many there are, nor another
// client's ids.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/entropy.h"

namespace countersign::protocol {

// The response field that carries it.
inline constexpr std::string_view decision_id_field = "Countersign-Decision-Id";

class DecisionId final {
 public:
  static constexpr size_t chars = 26;

  // "00000000000000000000000000": no decision.
  DecisionId();
  // Exactly what text() gives: upper case, no look-alikes.
  static std::optional<DecisionId> parse(std::string_view text);

  std::string_view text() const { return {text_.data(), text_.size()}; }
  std::string to_string() const { return std::string(text()); }
  WallTime time() const;  // to the millisecond

  friend auto operator<=>(const DecisionId&, const DecisionId&) = default;

 private:
  friend class DecisionIds;
  std::array<char, chars> text_;
};

// Makes ids; one object per thread. Draws randomness for many at once, so that an id costs a system
// call only now and then, and no allocation.
class DecisionIds final {
 public:
  // The entropy outlives this object.
  explicit DecisionIds(Entropy& entropy) : entropy_(entropy) {}
  DecisionId next(WallTime now);

 private:
  static constexpr size_t random_bytes = 10;
  static constexpr size_t pool_bytes = random_bytes * 128;
  Entropy& entropy_;
  std::array<uint8_t, pool_bytes> pool_{};
  size_t used_ = pool_bytes;
};

}  // namespace countersign::protocol
