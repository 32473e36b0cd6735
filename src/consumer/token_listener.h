// What a slot and a source that shares its tokens with other processes tell each other between two
// fetches. A source that shares with nobody has nothing to tell.

#pragma once

#include <cstdint>

#include "core/error.h"

namespace countersign::consumer {

// For status pages.
struct SharingState {
  bool on = false;          // tokens are shared through a store
  bool alone = false;       // the store is away: this process renews for itself
  uint64_t generation = 0;  // shared number of the token given last; 0: it is this process's own
  uint64_t granted = 0;     // tokens that this process had from the issuer
  uint64_t adopted = 0;     // tokens that another process had from the issuer
  Error why_alone = {};     // empty code: not alone
};

// Called on the home thread, never from within a fetch().
class TokenListener {
 public:
  // A newer token than the one given last is there: a fetch() gives it without asking the issuer.
  virtual void token_changed() = 0;
  // The provider refused the token given last, to another process.
  virtual void token_refused() = 0;
  // What sharing() says has changed.
  virtual void sharing_changed() = 0;

 protected:
  ~TokenListener() = default;
};

}  // namespace countersign::consumer
