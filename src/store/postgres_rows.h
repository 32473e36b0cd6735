// The rows that a PostgreSQL statement gave, read by type.
//
// Columns of an unexpected type are remembered and returned by check(), so that a row can be read
// without a test at each column.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

struct pg_result;

namespace countersign::store {

class PostgresRows final {
 public:
  // Takes the result over. For postgres.cc.
  explicit PostgresRows(pg_result* result);
  PostgresRows(PostgresRows&& other) noexcept;
  PostgresRows& operator=(PostgresRows&& other) noexcept;
  ~PostgresRows();

  // True: there is a row to read. Starts before the first.
  bool next();
  int size() const;
  int64_t changes() const;      // rows inserted, updated or deleted
  std::string command() const;  // "COMMIT", "INSERT 0 1"

  // Columns start at 0.
  bool is_null(int column) const;
  int64_t integer(int column);  // bigint, integer, smallint
  bool boolean(int column);
  std::string text(int column);  // text, varchar, name
  Bytes blob(int column);        // bytea
  std::optional<int64_t> optional_integer(int column);
  std::optional<std::string> optional_text(int column);
  std::optional<Bytes> optional_blob(int column);

  // `store.corrupt` if a column did not have the type it was read as.
  Result<void> check() const;
  // The first column of the first row; nullopt if there is no row or it is NULL.
  Result<std::optional<int64_t>> first_integer();

 private:
  struct Free {
    void operator()(pg_result* result) const;
  };
  ByteView value(int column) const;

  std::unique_ptr<pg_result, Free> result_;
  int row_ = -1;
  bool type_error_ = false;
};

}  // namespace countersign::store
