// Scheme: how one call is authenticated, the consumer's half of the pair (design §3).
//
// A ProcessScheme holds what the whole process shares (a key, a token slot); each loop thread has a
// Scheme made by it. A new scheme is one file in this folder and one row in scheme_registry.cc.

#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "consumer/slot.h"
#include "consumer/token.h"
#include "core/executor.h"
#include "core/task.h"
#include "http/message.h"

namespace countersign::consumer {

// One header field that authenticates a call.
struct Attached {
  std::string_view field_name;   // lives as long as the Scheme
  std::string_view field_value;  // lives as long as `keep`, or as the Scheme if `keep` is null
  uint64_t generation = 0;       // which credential this is: for refused()
  std::shared_ptr<const void> keep;
};

// What a refusal by the provider means for the call.
enum class AfterRefusal {
  pass_on,  // the answer is the caller's: another attempt would fare no better
  repeat,   // this credential is discarded; wait_ready(), attach() again and repeat, at most once a
            // call
};

// Belongs to one loop thread.
class Scheme {
 public:
  virtual ~Scheme() = default;

  // Fast: no lock, no system call. False: nothing to attach at `now`; await wait_ready(). Fails
  // closed: what is attached is valid at `now`.
  virtual bool attach(const Instant& now, Attached& out) = 0;

  // Until attach() can succeed. Its deadline is the caller's; the Task ends before the Scheme does.
  virtual Task<std::expected<void, NotReady>> wait_ready(BootTime deadline) = 0;

  // `answer` has status 401 or 403 and refused the call that `generation` was attached to.
  virtual AfterRefusal refused(const http::ResponseHead& answer, uint64_t generation) = 0;
};

// Shared by the process; made before the loops run. Destroyed after all its Schemes, on the home
// thread or when that has ended.
class ProcessScheme {
 public:
  virtual ~ProcessScheme() = default;
  // On the home thread, once: obtains what is needed ahead of the first call.
  virtual void start() {}
  // On the loop's thread.
  virtual std::unique_ptr<Scheme> for_loop(Executor& loop) = 0;

  // The name of the field that carries the credential: an inbound field of this name never passes.
  virtual std::string_view field_name() const = 0;
  // The field's value as it may be shown to a human: what is public in it (scheme, key id, `kid`)
  // and its length.
  virtual std::string redacted(std::string_view field_value) const = 0;
  // The token slot behind it, for status pages; null if there is none.
  virtual const TokenSlot* slot() const { return nullptr; }
};

}  // namespace countersign::consumer
