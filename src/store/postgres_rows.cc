#include "store/postgres_rows.h"

#include <charconv>

#include "store/libpq.h"

namespace countersign::store {
namespace {

// The types' numbers in every PostgreSQL (catalog/pg_type.dat).
constexpr Oid oid_bool = 16;
constexpr Oid oid_bytea = 17;
constexpr Oid oid_name = 19;
constexpr Oid oid_int8 = 20;
constexpr Oid oid_int2 = 21;
constexpr Oid oid_int4 = 23;
constexpr Oid oid_text = 25;
constexpr Oid oid_varchar = 1043;

// Two's complement, big-endian, of as many bytes as there are.
int64_t read_integer(ByteView bytes) {
  uint64_t value = !bytes.empty() && (bytes[0] & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (const uint8_t byte : bytes) value = value << 8 | byte;
  return static_cast<int64_t>(value);
}

}  // namespace

PostgresRows::PostgresRows(pg_result* result) : result_(result) {}
PostgresRows::PostgresRows(PostgresRows&& other) noexcept = default;
PostgresRows& PostgresRows::operator=(PostgresRows&& other) noexcept = default;
PostgresRows::~PostgresRows() = default;

void PostgresRows::Free::operator()(pg_result* result) const {
  libpq().clear(result);
}

bool PostgresRows::next() {
  if (row_ + 1 >= size()) return false;
  ++row_;
  return true;
}

int PostgresRows::size() const {
  return libpq().ntuples(result_.get());
}

int64_t PostgresRows::changes() const {
  const std::string_view text = libpq().cmd_tuples(result_.get());
  int64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

std::string PostgresRows::command() const {
  return libpq().cmd_status(result_.get());
}

bool PostgresRows::is_null(int column) const {
  return libpq().get_is_null(result_.get(), row_, column) != 0;
}

// Empty for what is not there, which libpq would tell on standard error.
ByteView PostgresRows::value(int column) const {
  if (row_ < 0 || column >= libpq().nfields(result_.get())) return {};
  const char* data = libpq().get_value(result_.get(), row_, column);
  return as_bytes({data, static_cast<size_t>(libpq().get_length(result_.get(), row_, column))});
}

int64_t PostgresRows::integer(int column) {
  const Oid type = libpq().ftype(result_.get(), column);
  const size_t size = type == oid_int8 ? 8 : type == oid_int4 ? 4 : type == oid_int2 ? 2 : 0;
  const ByteView bytes = value(column);
  if (size == 0 || bytes.size() != size) {
    type_error_ = true;
    return 0;
  }
  return read_integer(bytes);
}

bool PostgresRows::boolean(int column) {
  const ByteView bytes = value(column);
  if (libpq().ftype(result_.get(), column) != oid_bool || bytes.size() != 1) {
    type_error_ = true;
    return false;
  }
  return bytes[0] != 0;
}

std::string PostgresRows::text(int column) {
  const Oid type = libpq().ftype(result_.get(), column);
  if ((type != oid_text && type != oid_varchar && type != oid_name) || is_null(column)) {
    type_error_ = true;
    return {};
  }
  return std::string(as_text(value(column)));
}

Bytes PostgresRows::blob(int column) {
  if (libpq().ftype(result_.get(), column) != oid_bytea || is_null(column)) {
    type_error_ = true;
    return {};
  }
  const ByteView bytes = value(column);
  return {bytes.begin(), bytes.end()};
}

std::optional<int64_t> PostgresRows::optional_integer(int column) {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> PostgresRows::optional_text(int column) {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

std::optional<Bytes> PostgresRows::optional_blob(int column) {
  if (is_null(column)) return std::nullopt;
  return blob(column);
}

Result<void> PostgresRows::check() const {
  if (!type_error_) return {};
  return fail(ErrorKind::corrupt, "store.corrupt", "stored data is damaged",
              "a column has an unexpected type");
}

Result<std::optional<int64_t>> PostgresRows::first_integer() {
  if (!next()) return std::nullopt;
  std::optional<int64_t> value = optional_integer(0);
  CS_CHECK(check());
  return value;
}

}  // namespace countersign::store
