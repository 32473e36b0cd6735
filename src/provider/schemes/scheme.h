// Scheme: the provider's half of a way to authenticate one call. It takes what a request presents
// and gives a Principal or a Denial. One pair of files per scheme and one row in scheme_registry.h;
// nothing else knows their names.
//
// A scheme proves the credential. Whether it has expired, whether the connection satisfies its
// bindings, whether it was cut off and whether its scopes suffice is decided by the gateway's
// stages, the same for every scheme.

#pragma once

#include <optional>
#include <string_view>

#include "protocol/pepper.h"
#include "protocol/reason.h"
#include "provider/registry/registry_view.h"
#include "provider/schemes/access_token.h"
#include "provider/schemes/principal.h"

namespace countersign::provider {

// What a scheme looks at. Several rows can share one credential form; the token is then verified
// once for all of them. All references outlive it.
class Evidence final {
 public:
  // `credential` is the token or key alone. `trust` is null while no signing key is known.
  Evidence(std::string_view credential, const RegistryView& registry,
           const protocol::Peppers& peppers, const TokenTrust* trust, WallTime now)
      : credential_(credential), registry_(registry), peppers_(peppers), trust_(trust), now_(now) {}

  std::string_view credential() const { return credential_; }  // secret: never logged
  const RegistryView& registry() const { return registry_; }
  const protocol::Peppers& peppers() const { return peppers_; }
  WallTime now() const { return now_; }
  // The credential as an access token; verified by the first call.
  const protocol::Verdict<AccessToken>& access_token();

 private:
  std::string_view credential_;
  const RegistryView& registry_;
  const protocol::Peppers& peppers_;
  const TokenTrust* trust_;
  WallTime now_;
  std::optional<protocol::Verdict<AccessToken>> token_;
};

class Scheme {
 public:
  virtual ~Scheme() = default;

  // A Principal; or null if the credential is sound but belongs to another row of the same form (a
  // bound token shown to the plain bearer scheme); or why it does not hold. Fails closed.
  virtual protocol::Verdict<PrincipalPtr> verify(const SchemeRow& row,
                                                 Evidence& evidence) const = 0;

  // The same Principal after the registry changed, from what was verified before: no signature
  // again. Fails closed.
  virtual protocol::Verdict<PrincipalPtr> renew(const Principal& principal,
                                                const RegistryView& registry) const = 0;

 protected:
  static PrincipalPtr make_principal(PrincipalFacts facts);

  // What the credential says, as far as the client still has it: a scope that is taken from a
  // client ends at once.
  static protocol::ScopeSet still_granted(const protocol::ScopeSet& granted,
                                          const ClientEntry& client);

  // The client if it is registered and active; else credential_unknown or client_disabled.
  static protocol::Verdict<ClientPtr> active_client(const RegistryView& registry,
                                                    std::string_view client_id);
};

// What the OAuth2 schemes share: a Principal from a verified token.
class TokenScheme : public Scheme {
 public:
  protocol::Verdict<PrincipalPtr> verify(const SchemeRow& row, Evidence& evidence) const override;
  protocol::Verdict<PrincipalPtr> renew(const Principal& principal,
                                        const RegistryView& registry) const override;

 protected:
  // True if tokens with this confirmation are this scheme's.
  virtual bool is_mine(const protocol::Confirmation& confirmation) const = 0;
};

}  // namespace countersign::provider
