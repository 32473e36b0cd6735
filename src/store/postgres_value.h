// A parameter of a PostgreSQL statement, in binary form: bigint, boolean, text or bytea by the
// value's own type. A column of another type wants a cast in the statement: `$1::jsonb`.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace countersign::store {

// Refers to text and bytes, which outlive it.
class PostgresValue final {
 public:
  enum class Type : uint8_t { integer, boolean, text, bytes };

  explicit PostgresValue(int64_t value);
  explicit PostgresValue(int value) : PostgresValue(int64_t{value}) {}
  explicit PostgresValue(uint32_t value) : PostgresValue(int64_t{value}) {}
  explicit PostgresValue(bool value);
  explicit PostgresValue(std::string_view text) : PostgresValue(Type::text, as_bytes(text)) {}
  explicit PostgresValue(const char* text) : PostgresValue(std::string_view(text)) {}
  explicit PostgresValue(const std::string& text) : PostgresValue(std::string_view(text)) {}
  explicit PostgresValue(ByteView bytes) : PostgresValue(Type::bytes, bytes) {}
  explicit PostgresValue(const Bytes& bytes) : PostgresValue(ByteView(bytes)) {}
  // nullopt is NULL of that type.
  template <typename T>
  explicit PostgresValue(const std::optional<T>& value)
      : PostgresValue(value ? PostgresValue(*value) : PostgresValue(T{})) {
    is_null_ = !value;
  }

  Type type() const { return type_; }
  bool is_null() const { return is_null_; }
  // As the wire has it. Valid while this object and what it refers to live.
  ByteView wire() const { return type_ <= Type::boolean ? ByteView(number_, size_) : bytes_; }

 private:
  PostgresValue(Type type, ByteView bytes) : type_(type), bytes_(bytes) {}
  Type type_;
  bool is_null_ = false;
  uint8_t number_[8] = {};  // big-endian
  size_t size_ = 0;
  ByteView bytes_;
};

}  // namespace countersign::store
