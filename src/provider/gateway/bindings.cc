#include "provider/gateway/bindings.h"

#include "crypto/verified_peer.h"

namespace countersign::provider {

using protocol::Reason;
using protocol::Verdict;

namespace {

// The chain was verified when the connection began; time has passed since.
Verdict<> check_still_valid(const crypto::Certificate& certificate, WallTime now) {
  if (now <= certificate.not_after) return {};
  return protocol::deny(Reason::certificate_expired, "serial " + certificate.serial_hex);
}

Verdict<> check_key_certificate(const KeyEntry& key, const crypto::Certificate* certificate) {
  if (!key.thumbprint) return {};
  if (certificate == nullptr) {
    return protocol::deny(Reason::certificate_missing, "key " + key.key_id + " is bound to one");
  }
  if (certificate->thumbprint == *key.thumbprint) return {};
  return protocol::deny(
      Reason::certificate_mismatch,
      "key " + key.key_id + " is bound to another, not to serial " + certificate->serial_hex);
}

// RFC 8705 §2: a certificate that is not the client's proves nothing about the client.
Verdict<> check_registered(const ClientEntry& client, const crypto::Certificate* certificate) {
  if (!client.has_certificate_rules()) return {};
  if (certificate == nullptr) {
    return protocol::deny(Reason::certificate_missing,
                          "client " + client.client_id + " has registered one");
  }
  if (client.owns(*certificate)) return {};
  return protocol::deny(
      Reason::certificate_not_registered,
      "serial " + certificate->serial_hex + " is not of client " + client.client_id);
}

Verdict<> check_network(const Principal& principal, const IpAddress& address) {
  const KeyEntry* key = principal.key_entry().get();
  if (principal.client().permits(address) && (key == nullptr || key->permits(address))) return {};
  return protocol::deny(Reason::network_not_allowed, address.to_string());
}

}  // namespace

Verdict<> check_bindings(const Principal& principal, const http::PeerInfo& peer, WallTime now) {
  const crypto::Certificate* certificate =
      peer.certificate != nullptr ? &peer.certificate->certificate() : nullptr;
  if (certificate != nullptr) {
    if (auto valid = check_still_valid(*certificate, now); !valid) return valid;
  }
  if (auto confirmed = protocol::check_confirmation(
          principal.confirmation(), certificate != nullptr ? &certificate->thumbprint : nullptr);
      !confirmed) {
    return confirmed;
  }
  if (const KeyEntry* key = principal.key_entry().get(); key != nullptr) {
    if (auto bound = check_key_certificate(*key, certificate); !bound) return bound;
  }
  if (auto registered = check_registered(principal.client(), certificate); !registered) {
    return registered;
  }
  return check_network(principal, peer.address.address);
}

}  // namespace countersign::provider
