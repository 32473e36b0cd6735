// Result<T>: a value or an Error. CS_TRY and CS_CO_TRY pass an error on to the caller.

#pragma once

#include <expected>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace countersign {

template <typename T>
using Result = std::expected<T, Error>;

// `return fail(ErrorKind::conflict, "journal.key_reused", "…");`
inline std::unexpected<Error> fail(ErrorKind kind, std::string_view code,
                                   std::string_view public_text,
                                   std::string_view private_detail = {}) {
  return std::unexpected(make_error(kind, code, public_text, private_detail));
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

}  // namespace countersign

#define CS_CONCAT_(a, b) a##b
#define CS_CONCAT(a, b) CS_CONCAT_(a, b)

// CS_TRY(auto key, parse_key(text));  — in a function that returns Result.
#define CS_TRY(declaration, expression) CS_TRY_(return, declaration, expression)
// The same in a coroutine whose Task returns Result.
#define CS_CO_TRY(declaration, expression) CS_TRY_(co_return, declaration, expression)
// CS_CHECK(check_expiry(token));  — for Result<void>, or a value that is not needed.
#define CS_CHECK(expression)                                                             \
  if (auto CS_CONCAT(checked_, __LINE__) = (expression); !CS_CONCAT(checked_, __LINE__)) \
  return std::unexpected(std::move(CS_CONCAT(checked_, __LINE__)).error())
#define CS_CO_CHECK(expression)                                                          \
  if (auto CS_CONCAT(checked_, __LINE__) = (expression); !CS_CONCAT(checked_, __LINE__)) \
  co_return std::unexpected(std::move(CS_CONCAT(checked_, __LINE__)).error())

#define CS_TRY_(leave, declaration, expression)                            \
  auto CS_CONCAT(tried_, __LINE__) = (expression);                         \
  if (!CS_CONCAT(tried_, __LINE__))                                        \
    leave std::unexpected(std::move(CS_CONCAT(tried_, __LINE__)).error()); \
  declaration = *std::move(CS_CONCAT(tried_, __LINE__))
