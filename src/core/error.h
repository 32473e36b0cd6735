// What can go wrong, as a value. One Error says it for the program (`kind`, `code`), for the caller
// of an API
// (`public_text`) and for the operator's log (`private_detail`).
//
// Neither text ever holds a secret. Only `public_text` may leave in a response.

#pragma once

#include <string>
#include <string_view>

namespace countersign {

// Closed: http::status_of() and the OAuth error mapping switch over it exhaustively.
enum class ErrorKind {
  invalid_input,    // malformed or refused by a rule of syntax; the sender must change it
  unauthenticated,  // no credential, or one that does not hold
  forbidden,        // authenticated, but not allowed
  not_found,
  conflict,   // contradicts what is recorded
  too_large,  // over a limit that the receiver set
  rate_limited,
  timed_out,
  cancelled,      // the operation was given up by this side (shutdown, closed stream)
  unavailable,    // a peer or a store cannot be reached or answered nonsense; may pass
  misconfigured,  // will not pass by itself: an operator must act
  corrupt,        // stored data does not verify
  internal,
};

std::string_view name_of(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string code;            // stable, owned by its module: "jose.alg_not_allowed"
  std::string public_text;     // one sentence for the other side
  std::string private_detail;  // for the log; may be empty

  // "code: public_text (private_detail)", for logs and the terminal.
  std::string for_log() const;
};

Error make_error(ErrorKind kind, std::string_view code, std::string_view public_text,
                 std::string_view private_detail = {});

// Ends the process: an invariant of our own is broken. Never reached by input.
[[noreturn]] void panic(std::string_view what);

}  // namespace countersign
