#include "provider/registry/registry_entries.h"

#include <algorithm>
#include <limits>

#include "core/ascii.h"
#include "core/bytes.h"

namespace countersign::provider {
namespace {

std::unexpected<Error> bad_record(std::string_view kind, std::string_view id,
                                  std::string_view field, const Error& cause) {
  std::string detail(kind);
  detail.append(" \"").append(id).append("\", ").append(field).append(": ").append(cause.for_log());
  return fail(ErrorKind::corrupt, "registry.bad_record", "a record of the registry cannot be read",
              detail);
}

bool any_contains(const std::vector<Network>& networks, const IpAddress& address) {
  return networks.empty() || std::ranges::any_of(networks, [&](const Network& network) {
           return network.contains(address);
         });
}

Result<std::vector<Network>> parse_networks(const std::vector<std::string>& texts) {
  std::vector<Network> networks;
  for (const std::string& text : texts) {
    CS_TRY(networks.emplace_back(), Network::parse(text));
  }
  return networks;
}

Result<std::vector<crypto::Sha256Digest>> parse_thumbprints(const std::vector<std::string>& texts) {
  std::vector<crypto::Sha256Digest> thumbprints;
  for (const std::string& text : texts) {
    CS_TRY(thumbprints.emplace_back(), parse_thumbprint(text));
  }
  return thumbprints;
}

Result<protocol::KeyMac> parse_mac(const Bytes& bytes) {
  protocol::KeyMac mac{};
  if (bytes.size() != mac.size()) {
    return fail(ErrorKind::corrupt, "registry.bad_mac", "a MAC has 32 bytes");
  }
  std::ranges::copy(bytes, mac.begin());
  return mac;
}

Result<uint32_t> parse_pepper_version(int64_t version) {
  if (version < 1 || version > std::numeric_limits<uint32_t>::max()) {
    return fail(ErrorKind::corrupt, "registry.bad_pepper_version", "a pepper version is 1 or more");
  }
  return static_cast<uint32_t>(version);
}

}  // namespace

// The value of `result`, or an Error that names the field.
#define CS_TRY_FIELD(target, kind, id, field, expression) \
  if (auto parsed = (expression); parsed) {               \
    target = *std::move(parsed);                          \
  } else {                                                \
    return bad_record(kind, id, field, parsed.error());   \
  }

bool ClientEntry::owns(const crypto::Certificate& certificate) const {
  if (!has_certificate_rules()) return false;
  if (!thumbprints.empty() &&
      std::ranges::find(thumbprints, certificate.thumbprint) == thumbprints.end()) {
    return false;
  }
  // RFC 8705 §2.1.2: the expected subject or SAN entry; with a SAN of several entries one of them
  // must match.
  const crypto::SubjectAltNames& names = certificate.names;
  if (subject_dn && *subject_dn != certificate.subject) return false;
  if (san_dns && std::ranges::none_of(names.dns, [&](const std::string& dns) {
        return ascii::equal_ignoring_case(dns, *san_dns);
      })) {
    return false;
  }
  if (san_uri && std::ranges::find(names.uris, *san_uri) == names.uris.end()) return false;
  return !san_ip || std::ranges::find(names.ips, *san_ip) != names.ips.end();
}

bool ClientEntry::permits(const IpAddress& address) const {
  return any_contains(networks, address);
}

bool KeyEntry::permits(const IpAddress& address) const {
  return any_contains(networks, address);
}

Result<ClientPtr> parse_client(const store::ClientRecord& record) {
  auto entry = std::make_shared<ClientEntry>();
  const std::string& id = record.client_id;
  entry->client_id = id;
  entry->name = record.name;
  entry->status = record.status;
  entry->auth_method = record.auth_method;
  entry->certificate_bound_access_tokens = record.certificate_bound_access_tokens;
  entry->subject_dn = record.certificates.subject_dn;
  entry->san_dns = record.certificates.san_dns;
  entry->san_uri = record.certificates.san_uri;
  entry->token_lifetime = record.token_lifetime;
  entry->created_at = record.created_at;
  CS_TRY_FIELD(entry->scopes, "client", id, "scopes",
               protocol::ScopeSet::from_names(record.scopes));
  CS_TRY_FIELD(entry->networks, "client", id, "networks", parse_networks(record.networks));
  CS_TRY_FIELD(entry->thumbprints, "client", id, "thumbprints",
               parse_thumbprints(record.certificates.thumbprints));
  if (record.certificates.san_ip) {
    CS_TRY_FIELD(entry->san_ip, "client", id, "san_ip",
                 IpAddress::parse(*record.certificates.san_ip));
  }
  return entry;
}

Result<KeyPtr> parse_key(const store::KeyRecord& record) {
  auto entry = std::make_shared<KeyEntry>();
  const std::string& id = record.key_id;
  entry->key_id = id;
  entry->client_id = record.client_id;
  entry->created_at = record.created_at;
  entry->not_before = record.not_before;
  entry->expires_at = record.expires_at;
  entry->revoked_at = record.revoked_at;
  CS_TRY_FIELD(entry->mac, "key", id, "mac", parse_mac(record.mac));
  CS_TRY_FIELD(entry->pepper_version, "key", id, "pepper_version",
               parse_pepper_version(record.pepper_version));
  CS_TRY_FIELD(entry->scopes, "key", id, "scopes", protocol::ScopeSet::from_names(record.scopes));
  CS_TRY_FIELD(entry->networks, "key", id, "networks", parse_networks(record.networks));
  if (record.certificate_thumbprint) {
    CS_TRY_FIELD(entry->thumbprint, "key", id, "certificate_thumbprint",
                 parse_thumbprint(*record.certificate_thumbprint));
  }
  return entry;
}

Result<SecretPtr> parse_secret(const store::SecretRecord& record) {
  auto entry = std::make_shared<SecretEntry>();
  const std::string& id = record.secret_id;
  entry->secret_id = id;
  entry->client_id = record.client_id;
  entry->created_at = record.created_at;
  entry->expires_at = record.expires_at;
  entry->revoked_at = record.revoked_at;
  CS_TRY_FIELD(entry->mac, "secret", id, "mac", parse_mac(record.mac));
  CS_TRY_FIELD(entry->pepper_version, "secret", id, "pepper_version",
               parse_pepper_version(record.pepper_version));
  return entry;
}

#undef CS_TRY_FIELD

Result<crypto::Sha256Digest> parse_thumbprint(std::string_view text) {
  const auto bytes = decode_base64url(text);
  crypto::Sha256Digest digest{};
  if (!bytes || bytes->size() != digest.size()) {
    return fail(ErrorKind::invalid_input, "registry.bad_thumbprint",
                "expected the x5t#S256 of a certificate, 43 characters of base64url, not \"" +
                    std::string(text.substr(0, 64)) + "\"");
  }
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

}  // namespace countersign::provider
