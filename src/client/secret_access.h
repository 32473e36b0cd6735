// SecretAccess: the library's way into a client::Secret, as its friend.

#pragma once

#include <countersign/secret.h>

#include "core/result.h"
#include "core/secret.h"

namespace countersign::client {
inline namespace v0 {

struct __attribute__((visibility("hidden"))) SecretAccess {
  // The text, or the file's content: the errors of core/secret_file.h. Empty if it is empty.
  static Result<countersign::Secret> read(const Secret& secret);
};

}  // namespace v0
}  // namespace countersign::client
