#include "provider/gateway/cut_offs.h"

#include <utility>

#include "crypto/verified_peer.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

using protocol::Reason;
using protocol::Verdict;

Verdict<> check_cut_offs(const Principal& principal, const RegistryView& registry) {
  const WallTime issued_at = principal.issued_at();
  const bool is_key = principal.key_entry() != nullptr;
  const Reason revoked = is_key ? Reason::key_revoked : Reason::token_revoked;
  if (registry.is_cut_off(SubjectKind::client, principal.client_id(), issued_at)) {
    return protocol::deny(revoked, "client " + principal.client_id() + " is cut off");
  }
  if (!principal.credential_id().empty() &&
      registry.is_cut_off(SubjectKind::credential, principal.credential_id(), issued_at)) {
    return protocol::deny(revoked, "credential " + principal.credential_id() + " is cut off");
  }
  if (!principal.token_id().empty() &&
      registry.is_cut_off(SubjectKind::token, principal.token_id(), issued_at)) {
    return protocol::deny(revoked, "the token is cut off");
  }
  const auto& bound_to = principal.confirmation().certificate;
  if (bound_to && registry.is_cut_off(*bound_to, issued_at)) {
    return protocol::deny(Reason::certificate_revoked, "the token's certificate is cut off");
  }
  return {};
}

Verdict<> check_certificate_cut_off(const crypto::Certificate& certificate,
                                    const RegistryView& registry) {
  if (!registry.is_cut_off(certificate.thumbprint, certificate.not_before)) return {};
  return protocol::deny(Reason::certificate_revoked,
                        "serial " + certificate.serial_hex + " is cut off");
}

Verdict<> check_still_standing(const Principal& principal, const http::PeerInfo& peer,
                               const RegistryView& registry) {
  auto renewed = principal.scheme().scheme->renew(principal, registry);
  if (!renewed) return std::unexpected(std::move(renewed).error());
  if (auto standing = check_cut_offs(**renewed, registry); !standing) return standing;
  if (peer.certificate == nullptr) return {};
  return check_certificate_cut_off(peer.certificate->certificate(), registry);
}

bool may_stay_connected(const crypto::Certificate& certificate, const RegistryView& registry) {
  if (!check_certificate_cut_off(certificate, registry)) return false;
  const ClientPtr& owner = registry.find_client_by_certificate(certificate.thumbprint);
  return owner == nullptr || owner->active();
}

Verdict<> check_loaded(const RegistryView& registry) {
  if (registry.version() != 0) return {};
  return protocol::deny(Reason::record_stale, "the registry was never loaded");
}

Verdict<> check_staleness(const RegistryView& registry, BootTime now) {
  if (!registry.is_stale(now)) return {};
  return protocol::deny(Reason::record_stale, "the feed is silent");
}

}  // namespace countersign::provider
