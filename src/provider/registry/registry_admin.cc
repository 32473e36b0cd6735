#include "provider/registry/registry_admin.h"

#include <utility>

#include "protocol/token_id.h"
#include "provider/registry/registry_checks.h"

namespace countersign::provider {
namespace {

constexpr std::string_view id_alphabet = "abcdefghijklmnopqrstuvwxyz234567";  // 5 bits a character
constexpr size_t id_chars = 16;                                               // 80 bits
constexpr size_t hint_chars = 4;
constexpr std::chrono::hours cut_off_life_max{24 *
                                              366};  // a token with a later exp is a mistyped one

std::string new_client_id(Entropy& entropy) {
  std::string id = "cl_";
  for (const uint8_t byte : entropy.bytes(id_chars)) id += id_alphabet[byte % id_alphabet.size()];
  return id;
}

// A key or secret that was just made, and what is recorded of it.
struct Minted {
  std::string id;
  Secret text;
  Bytes mac;
  int64_t pepper_version;
  std::string hint;
};

Result<Minted> mint(protocol::KeyKind kind, const std::string& environment,
                    const protocol::Peppers& peppers, Entropy& entropy) {
  CS_TRY(protocol::ApiKey key, protocol::ApiKey::generate(environment, entropy, kind));
  const std::string_view text = key.text.unsafe_reveal_text();
  CS_TRY(const protocol::ApiKeyView view, kind == protocol::KeyKind::api_key
                                              ? protocol::parse_api_key(text)
                                              : protocol::parse_client_secret(text));
  const protocol::Pepper& pepper = peppers.newest();
  const protocol::KeyMac mac = protocol::mac_of(view, pepper);
  return Minted{std::move(key.id), std::move(key.text), Bytes(mac.begin(), mac.end()),
                int64_t{pepper.version()}, std::string(text.substr(text.size() - hint_chars))};
}

Result<void> check_expiry(std::optional<WallTime> expires_at, WallTime not_before) {
  if (!expires_at || *expires_at > not_before) return {};
  return bad_field("expires_at", "give a time that lies ahead, and after not_before");
}

}  // namespace

RegistryAdmin::RegistryAdmin(store::RegistryStore& store, const protocol::Peppers& peppers,
                             const Clock& clock, Entropy& entropy, RegistryAdminOptions options)
    : store_(store),
      peppers_(peppers),
      clock_(clock),
      entropy_(entropy),
      options_(std::move(options)) {}

Result<AddedClient> RegistryAdmin::add_client(const NewClient& request) {
  AddedClient added;
  store::ClientRecord& client = added.client;
  if (!request.client_id.empty()) CS_CHECK(check_client_id(request.client_id));
  CS_CHECK(check_text("name", request.name, true));
  CS_TRY(const protocol::ScopeSet scopes, check_scopes(request.scopes));
  CS_TRY(client.certificates, check_certificates(request.certificates, request.auth_method));
  CS_TRY(client.networks, check_networks(request.networks));
  if (request.token_lifetime && (*request.token_lifetime < std::chrono::seconds(1) ||
                                 *request.token_lifetime > options_.token_lifetime_max)) {
    return bad_field(
        "token_lifetime",
        "give 1 to " + std::to_string(options_.token_lifetime_max.count()) + " seconds");
  }
  client.client_id = request.client_id.empty() ? new_client_id(entropy_) : request.client_id;
  client.name = request.name;
  client.auth_method = request.auth_method;
  client.scopes = scopes.names();
  client.certificate_bound_access_tokens = request.certificate_bound_access_tokens;
  client.token_lifetime = request.token_lifetime;
  client.created_at = clock_.wall_now();
  CS_TRY(added.seq, store_.add_client(client));
  return added;
}

Result<std::vector<store::ClientRecord>> RegistryAdmin::list_clients() {
  return store_.list_clients();
}

Result<store::ClientRecord> RegistryAdmin::active_client(std::string_view client_id) {
  CS_TRY(auto client, store_.find_client(client_id));
  if (!client) {
    return fail(ErrorKind::not_found, "registry.unknown_client",
                "client_id: there is no client with the id \"" +
                    std::string(client_id.substr(0, 100)) + "\"");
  }
  if (client->status == store::ClientStatus::active) return *std::move(client);
  return fail(ErrorKind::conflict, "admin.client_disabled",
              "client_id: the client \"" + client->client_id + "\" is disabled; add a new client");
}

Result<IssuedKey> RegistryAdmin::issue_key(const NewKey& request) {
  CS_TRY(const store::ClientRecord client, active_client(request.client_id));
  CS_TRY(const protocol::ScopeSet scopes, check_scopes(request.scopes));
  CS_TRY(const protocol::ScopeSet allowed, check_scopes(client.scopes));
  if (!allowed.contains_all(scopes)) {
    return bad_field("scopes", "the client may not have \"" + scopes.without(allowed).to_string() +
                                   "\"; give some of: " + allowed.to_string());
  }
  IssuedKey issued;
  store::KeyRecord& key = issued.key;
  CS_TRY(key.networks, check_networks(request.networks));
  if (request.certificate_thumbprint) {
    CS_TRY(key.certificate_thumbprint,
           check_thumbprint("certificate_thumbprint", *request.certificate_thumbprint));
  }
  key.created_at = clock_.wall_now();
  key.not_before = request.not_before.value_or(key.created_at);
  CS_CHECK(check_expiry(request.expires_at, std::max(key.not_before, key.created_at)));
  CS_CHECK(check_text("note", request.note, false));

  CS_TRY(Minted minted, mint(protocol::KeyKind::api_key, options_.environment, peppers_, entropy_));
  key.key_id = std::move(minted.id);
  key.client_id = client.client_id;
  key.mac = std::move(minted.mac);
  key.pepper_version = minted.pepper_version;
  key.scopes = scopes.names();
  key.expires_at = request.expires_at;
  key.hint = std::move(minted.hint);
  key.note = request.note;
  CS_TRY(issued.seq, store_.add_key(key));
  issued.text = std::move(minted.text);
  return issued;
}

Result<std::vector<store::KeyRecord>> RegistryAdmin::list_keys(std::string_view client_id) {
  return store_.list_keys(client_id);
}

Result<IssuedSecret> RegistryAdmin::issue_client_secret(const NewSecret& request) {
  CS_TRY(const store::ClientRecord client, active_client(request.client_id));
  if (client.auth_method != store::ClientAuthMethod::client_secret_basic &&
      client.auth_method != store::ClientAuthMethod::client_secret_post) {
    return bad_field("client_id", "this client authenticates by " +
                                      std::string(name_of(client.auth_method)) +
                                      ", not by a secret");
  }
  IssuedSecret issued;
  store::SecretRecord& secret = issued.secret;
  secret.created_at = clock_.wall_now();
  CS_CHECK(check_expiry(request.expires_at, secret.created_at));
  CS_CHECK(check_text("note", request.note, false));

  CS_TRY(Minted minted,
         mint(protocol::KeyKind::client_secret, options_.environment, peppers_, entropy_));
  secret.secret_id = std::move(minted.id);
  secret.client_id = client.client_id;
  secret.mac = std::move(minted.mac);
  secret.pepper_version = minted.pepper_version;
  secret.expires_at = request.expires_at;
  secret.hint = std::move(minted.hint);
  secret.note = request.note;
  CS_TRY(issued.seq, store_.add_secret(secret));
  issued.text = std::move(minted.text);
  return issued;
}

Result<std::vector<store::SecretRecord>> RegistryAdmin::list_client_secrets(
    std::string_view client_id) {
  return store_.list_secrets(client_id);
}

// Everything of the subject up to now, kept until no token of it can be alive.
Result<store::Revocation> RegistryAdmin::revocation_of(store::SubjectKind kind,
                                                       std::string_view subject,
                                                       std::string_view reason) const {
  CS_CHECK(check_text("reason", reason, false));
  const WallTime now = clock_.wall_now();
  return store::Revocation{.kind = kind,
                           .subject = std::string(subject),
                           .issued_at_or_before = now,
                           .reason = std::string(reason),
                           .revoked_at = now,
                           .expires_at = now + options_.token_lifetime_max + options_.clock_leeway};
}

Result<int64_t> RegistryAdmin::disable_client(std::string_view client_id, std::string_view reason) {
  CS_TRY(const auto revocation, revocation_of(store::SubjectKind::client, client_id, reason));
  return store_.revoke(revocation);
}

Result<int64_t> RegistryAdmin::revoke_key(std::string_view key_id, std::string_view reason) {
  CS_TRY(const auto key, store_.find_key(key_id));
  if (!key) {
    return fail(ErrorKind::not_found, "registry.unknown_credential",
                "key_id: there is no key with this id; give the id, not the key (list them with: "
                "key list)");
  }
  CS_TRY(const auto revocation, revocation_of(store::SubjectKind::credential, key_id, reason));
  return store_.revoke(revocation);
}

Result<int64_t> RegistryAdmin::revoke_client_secret(std::string_view secret_id,
                                                    std::string_view reason) {
  CS_TRY(const auto secret, store_.find_secret(secret_id));
  if (!secret) {
    return fail(ErrorKind::not_found, "registry.unknown_credential",
                "secret_id: there is no client secret with this id; give the id, not the secret");
  }
  CS_TRY(const auto revocation, revocation_of(store::SubjectKind::credential, secret_id, reason));
  return store_.revoke(revocation);
}

Result<int64_t> RegistryAdmin::revoke_token(const RevokeToken& request) {
  const auto id = protocol::TokenId::parse(request.jti);
  if (!id || id->issued_at > clock_.wall_now() + options_.clock_leeway) {
    return bad_field(
        "jti", "give the jti of a token that this provider's issuer has granted, not the token");
  }
  CS_TRY(auto revocation, revocation_of(store::SubjectKind::token, request.jti, request.reason));
  // The id stands for one token: whatever time of issue a verifier reads from it, the token is cut
  // off.
  revocation.issued_at_or_before = WallTime::max();
  if (request.expires_at && *request.expires_at > clock_.wall_now() + cut_off_life_max) {
    return bad_field("expires_at", "give the token's exp; this one is years ahead");
  }
  const WallTime expires_at =
      request.expires_at.value_or(id->issued_at + options_.token_lifetime_max);
  revocation.expires_at = expires_at + options_.clock_leeway;
  return store_.revoke(revocation);
}

Result<int64_t> RegistryAdmin::revoke_certificate(std::string_view thumbprint,
                                                  std::string_view reason) {
  CS_TRY(const std::string checked, check_thumbprint("thumbprint", thumbprint));
  CS_TRY(auto revocation, revocation_of(store::SubjectKind::certificate, checked, reason));
  revocation.issued_at_or_before = WallTime::max();  // as with a token: it was issued once
  revocation.expires_at =
      std::nullopt;  // how long the certificate could be shown is not known here
  return store_.revoke(revocation);
}

}  // namespace countersign::provider
