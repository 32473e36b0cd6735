// RegistryView: how one thread reads the Registry, without locks.
//
// Call sync() at the start of each decision. It costs one load while nothing changed; after a
// change it takes the new version over. A decision that starts after a change was confirmed sees
// it.
//
// What find_…() return stays valid until this view's next sync(). A coroutine that goes on across a
// co_await copies the shared_ptr, because another one of the same thread may call sync() meanwhile.
//
// A caller that remembers what it verified keeps version() beside it, and while version() is the
// same all that was looked up is still so. Times are not: expiry is checked on every request.

#pragma once

#include <memory>
#include <string_view>

#include "core/clock.h"
#include "core/published.h"
#include "provider/registry/registry.h"

namespace countersign::provider {

class RegistryView final {
 public:
  // The registry outlives the view. Belongs to one thread.
  explicit RegistryView(const Registry& registry);

  // True if there is a new version since the last call.
  bool sync();
  // Of what the find functions see; grows. 0 before the registry was loaded: everything is unknown
  // then.
  uint64_t version() const { return snapshot_->version; }

  // A null pointer if there is none. Unknown ids cost one lookup in memory, never the store, and
  // leave nothing behind.
  const ClientPtr& find_client(std::string_view client_id) const;
  const KeyPtr& find_key(std::string_view key_id) const;
  const SecretPtr& find_secret(std::string_view secret_id) const;
  // The client that this certificate is registered for by thumbprint. Does not check its other
  // rules: ClientEntry::owns() does.
  const ClientPtr& find_client_by_certificate(const crypto::Sha256Digest& thumbprint) const;

  // True if a cut-off covers this subject at this time of issue: issued at the cut-off's time is
  // cut off, just after is not. `subject` is a client id, key or secret id, or a token's jti.
  bool is_cut_off(SubjectKind kind, std::string_view subject, WallTime issued_at) const;
  // For certificates; `issued_at` is the certificate's not_before, or the time of issue of a token
  // bound to it.
  bool is_cut_off(const crypto::Sha256Digest& thumbprint, WallTime issued_at) const;

  // True if the feed was silent for longer than max_staleness. Fails closed: true before the first
  // load.
  bool is_stale(BootTime now) const;

 private:
  const Registry& registry_;
  Published<RegistrySnapshot>::Reader reader_;
  const RegistrySnapshot* snapshot_;
};

}  // namespace countersign::provider
