#include "provider/registry/registry_view.h"

namespace countersign::provider {
namespace {

template <typename Ptr>
const Ptr& find_in(const ShardedMap<Ptr>& map, std::string_view key) {
  static const Ptr none;
  const Ptr* const found = map.find(key);
  return found ? *found : none;
}

bool covers(const CutOffEntry* cut_off, WallTime issued_at) {
  return cut_off != nullptr && issued_at <= cut_off->issued_at_or_before;
}

}  // namespace

RegistryView::RegistryView(const Registry& registry)
    : registry_(registry), reader_(registry.current_), snapshot_(reader_.get()) {}

// The version that is held cannot be freed before its successor is taken over, so equal addresses
// mean the same version.
bool RegistryView::sync() {
  const RegistrySnapshot* const before = snapshot_;
  snapshot_ = reader_.get();
  return snapshot_ != before;
}

const ClientPtr& RegistryView::find_client(std::string_view client_id) const {
  return find_in(snapshot_->clients, client_id);
}

const KeyPtr& RegistryView::find_key(std::string_view key_id) const {
  return find_in(snapshot_->keys, key_id);
}

const SecretPtr& RegistryView::find_secret(std::string_view secret_id) const {
  return find_in(snapshot_->secrets, secret_id);
}

const ClientPtr& RegistryView::find_client_by_certificate(
    const crypto::Sha256Digest& thumbprint) const {
  return find_in(snapshot_->clients_by_thumbprint, as_text(thumbprint));
}

bool RegistryView::is_cut_off(SubjectKind kind, std::string_view subject,
                              WallTime issued_at) const {
  if (kind == SubjectKind::certificate) {
    const auto thumbprint = parse_thumbprint(subject);
    return !thumbprint || is_cut_off(*thumbprint, issued_at);  // fails closed
  }
  return covers(snapshot_->cut_offs[static_cast<size_t>(kind)].find(subject), issued_at);
}

bool RegistryView::is_cut_off(const crypto::Sha256Digest& thumbprint, WallTime issued_at) const {
  const auto& certificates = snapshot_->cut_offs[static_cast<size_t>(SubjectKind::certificate)];
  return covers(certificates.find(as_text(thumbprint)), issued_at);
}

bool RegistryView::is_stale(BootTime now) const {
  return registry_.is_stale(now);
}

}  // namespace countersign::provider
