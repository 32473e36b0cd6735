#include "provider/registry/registry_checks.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/ip_address.h"
#include "provider/registry/registry_entries.h"

namespace countersign::provider {
namespace {

constexpr size_t subject_bytes_max = 512;

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

void sort_without_repeats(std::vector<std::string>& texts) {
  std::ranges::sort(texts);
  const auto repeats = std::ranges::unique(texts);
  texts.erase(repeats.begin(), repeats.end());
}

// A space behind a comma that is not escaped: how people write names, and not what RFC 4514 §2.1
// produces.
bool has_spaced_comma(std::string_view name) {
  for (size_t i = 0; i + 1 < name.size(); ++i) {
    if (name[i] == '\\') {
      ++i;
    } else if (name[i] == ',' && name[i + 1] == ' ') {
      return true;
    }
  }
  return false;
}

Result<std::string> check_subject_dn(const std::string& name) {
  if (name.empty() || name.size() > subject_bytes_max || has_control(name) ||
      name.find('=') == std::string::npos || has_spaced_comma(name)) {
    return bad_field(
        "tls_client_auth_subject_dn",
        "write the certificate's subject as RFC 4514 does, most specific part first and without "
        "spaces behind commas: CN=billing,O=Acme");
  }
  return name;
}

Result<std::string> check_san_dns(const std::string& name) {
  const bool chars_good = std::ranges::all_of(
      name, [](char c) { return ascii::is_alnum(c) || c == '-' || c == '.' || c == '_'; });
  if (name.empty() || name.size() > 253 || !chars_good || name.front() == '.' ||
      name.back() == '.') {
    return bad_field("tls_client_auth_san_dns",
                     "give one DNS name as it stands in the certificate, without a wildcard: "
                     "billing.acme.example");
  }
  return ascii::lower(name);
}

Result<std::string> check_san_uri(const std::string& uri) {
  const size_t colon = uri.find(':');
  if (uri.size() > subject_bytes_max || has_control(uri) || uri.find(' ') != std::string::npos ||
      colon == 0 || colon == std::string::npos) {
    return bad_field(
        "tls_client_auth_san_uri",
        "give one URI exactly as it stands in the certificate: spiffe://acme.example/billing");
  }
  return uri;
}

Result<std::string> check_san_ip(const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address)
    return bad_field("tls_client_auth_san_ip", "give one IP address: 192.0.2.10 or 2001:db8::1");
  return address->to_string();
}

using TextCheck = Result<std::string> (*)(const std::string&);
Result<std::optional<std::string>> check_optional(const std::optional<std::string>& text,
                                                  TextCheck check) {
  if (!text) return std::nullopt;
  CS_TRY(std::string checked, check(*text));
  return std::optional(std::move(checked));
}

Result<std::vector<std::string>> check_thumbprints(const std::vector<std::string>& texts) {
  if (texts.size() > thumbprints_max) {
    return bad_field("thumbprints", "give at most " + std::to_string(thumbprints_max));
  }
  std::vector<std::string> thumbprints;
  for (const std::string& text : texts) {
    CS_TRY(thumbprints.emplace_back(), check_thumbprint("thumbprints", text));
  }
  sort_without_repeats(thumbprints);
  return thumbprints;
}

Result<void> check_suits(const store::CertificateRules& rules, store::ClientAuthMethod method) {
  const int subjects = int{rules.subject_dn.has_value()} + int{rules.san_dns.has_value()} +
                       int{rules.san_uri.has_value()} + int{rules.san_ip.has_value()};
  // RFC 8705 §2.1.2: a client that uses tls_client_auth has exactly one of these.
  if (subjects > 1) {
    return bad_field("certificates",
                     "give only one of the tls_client_auth_… subject and SAN rules");
  }
  if (method == store::ClientAuthMethod::tls_client_auth && subjects == 0) {
    return bad_field(
        "certificates",
        "tls_client_auth needs one of tls_client_auth_subject_dn, _san_dns, _san_uri or _san_ip");
  }
  if (method == store::ClientAuthMethod::self_signed_tls_client_auth &&
      (rules.thumbprints.empty() || subjects != 0)) {
    return bad_field("certificates",
                     "self_signed_tls_client_auth needs the certificate's thumbprint, and no "
                     "subject or SAN rule: "
                     "a self-signed certificate may claim any name");
  }
  return {};
}

}  // namespace

std::unexpected<Error> bad_field(std::string_view field, std::string_view what) {
  std::string text(field);
  text.append(": ").append(what);
  return fail(ErrorKind::invalid_input, std::string("admin.bad_").append(field), text);
}

Result<void> check_client_id(std::string_view client_id) {
  const bool chars_good = std::ranges::all_of(
      client_id, [](char c) { return ascii::is_alnum(c) || c == '.' || c == '_' || c == '-'; });
  if (!chars_good || client_id.empty() || client_id.size() > client_id_bytes_max ||
      !ascii::is_alnum(client_id.front())) {
    return bad_field("client_id",
                     "use 1 to " + std::to_string(client_id_bytes_max) +
                         " letters, digits, '.', '_' or '-', beginning with a letter or digit");
  }
  return {};
}

Result<void> check_text(std::string_view field, std::string_view text, bool required) {
  if (required && text.empty()) return bad_field(field, "must not be empty");
  if (text.size() > note_bytes_max) {
    return bad_field(field, "use at most " + std::to_string(note_bytes_max) + " bytes");
  }
  if (has_control(text)) return bad_field(field, "use one line without control characters");
  return {};
}

Result<protocol::ScopeSet> check_scopes(const std::vector<std::string>& names) {
  auto scopes = protocol::ScopeSet::from_names(names);
  if (!scopes) return bad_field("scopes", scopes.error().public_text);
  return scopes;
}

Result<std::vector<std::string>> check_networks(const std::vector<std::string>& texts) {
  if (texts.size() > networks_max) {
    return bad_field("networks",
                     "give at most " + std::to_string(networks_max) + "; join adjacent ones");
  }
  std::vector<std::string> networks;
  for (const std::string& text : texts) {
    const auto network = Network::parse(text);
    if (!network) return bad_field("networks", network.error().public_text);
    networks.push_back(network->to_string());
  }
  sort_without_repeats(networks);
  return networks;
}

Result<std::string> check_thumbprint(std::string_view field, std::string_view text) {
  const auto thumbprint = parse_thumbprint(text);
  if (!thumbprint) return bad_field(field, thumbprint.error().public_text);
  return std::string(text);
}

Result<store::CertificateRules> check_certificates(const store::CertificateRules& rules,
                                                   store::ClientAuthMethod method) {
  CS_CHECK(check_suits(rules, method));
  store::CertificateRules checked;
  CS_TRY(checked.thumbprints, check_thumbprints(rules.thumbprints));
  CS_TRY(checked.subject_dn, check_optional(rules.subject_dn, &check_subject_dn));
  CS_TRY(checked.san_dns, check_optional(rules.san_dns, &check_san_dns));
  CS_TRY(checked.san_uri, check_optional(rules.san_uri, &check_san_uri));
  CS_TRY(checked.san_ip, check_optional(rules.san_ip, &check_san_ip));
  return checked;
}

}  // namespace countersign::provider
