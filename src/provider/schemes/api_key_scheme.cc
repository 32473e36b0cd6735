#include "provider/schemes/api_key_scheme.h"

#include <utility>

namespace countersign::provider {

using protocol::Reason;
using protocol::Verdict;

namespace {

// True if the secret is this key's. Does the work also where there is no key.
bool secret_holds(const protocol::ApiKeyView& shown, const KeyEntry* key,
                  const protocol::Peppers& peppers) {
  const protocol::Pepper* pepper = key != nullptr ? peppers.find(key->pepper_version) : nullptr;
  const bool comparable = pepper != nullptr;
  const bool equal = protocol::mac_matches(shown, comparable ? *pepper : peppers.newest(),
                                           comparable ? key->mac : protocol::KeyMac{});
  return comparable && equal;
}

class ApiKeyScheme final : public Scheme {
 public:
  Verdict<PrincipalPtr> verify(const SchemeRow& row, Evidence& evidence) const override {
    const auto shown = protocol::parse_api_key(evidence.credential());
    if (!shown) return protocol::deny(Reason::credential_malformed, "not an API key");
    const KeyPtr& key = evidence.registry().find_key(shown->id);
    if (!secret_holds(*shown, key.get(), evidence.peppers())) {
      return protocol::deny(Reason::credential_unknown,
                            key ? "the key's secret does not match" : "no key with this id");
    }
    return principal_of(row, key, evidence.registry());
  }

  Verdict<PrincipalPtr> renew(const Principal& principal,
                              const RegistryView& registry) const override {
    const KeyPtr& key = registry.find_key(principal.credential_id());
    const KeyEntry& verified = *principal.key_entry();
    // The MAC that was compared is still the one that counts: the same secret holds.
    if (!key || key->pepper_version != verified.pepper_version ||
        !equal_in_constant_time(key->mac, verified.mac)) {
      return protocol::deny(Reason::credential_unknown, "the key was replaced");
    }
    return principal_of(principal.scheme(), key, registry);
  }

 private:
  // The key's own state is told only to who holds its secret.
  static Verdict<PrincipalPtr> principal_of(const SchemeRow& row, const KeyPtr& key,
                                            const RegistryView& registry) {
    if (key->revoked()) return protocol::deny(Reason::key_revoked, "key " + key->key_id);
    auto client = active_client(registry, key->client_id);
    if (!client) return std::unexpected(std::move(client).error());
    PrincipalFacts facts;
    facts.scheme = &row;
    facts.granted = key->scopes.empty() ? (*client)->scopes : key->scopes;
    facts.scopes = still_granted(facts.granted, **client);
    facts.client = *std::move(client);
    facts.key = key;
    facts.credential_id = key->key_id;
    facts.issued_at = key->created_at;
    facts.not_before = key->not_before;
    facts.expires_at = key->expires_at;
    return make_principal(std::move(facts));
  }
};

}  // namespace

const Scheme& api_key_scheme() {
  static const ApiKeyScheme scheme;
  return scheme;
}

}  // namespace countersign::provider
