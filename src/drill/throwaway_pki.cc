#include "drill/throwaway_pki.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "drill/observer.h"
#include "net/fd.h"

namespace countersign::drill {
namespace {

using crypto::CertificateAuthority;
using crypto::CertificatePurpose;
using std::chrono::hours;

}  // namespace

Result<void> write_private_file(const std::filesystem::path& path, std::string_view text) {
  const net::Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const ssize_t written = file.get() < 0 ? -1 : write(file.get(), text.data(), text.size());
  if (Observer* hears = observer()) hears->wrote(path, text);
  if (written == static_cast<ssize_t>(text.size())) return {};
  return fail(ErrorKind::unavailable, "drill.cannot_write", path.string() + " cannot be written",
              std::strerror(errno));
}

Result<ThrowawayPki> ThrowawayPki::create(std::filesystem::path folder, const Clock& clock,
                                          Entropy& entropy) {
  const WallTime now = clock.wall_now();
  const auto authority = [&](std::string name) {
    return CertificateAuthority::create(
        {.name = std::move(name), .not_before = now - hours(2), .not_after = now + hours(48)},
        entropy);
  };
  CS_TRY(CertificateAuthority provider, authority("Provider private CA"));
  CS_TRY(CertificateAuthority consumers, authority("Consumer private CA"));
  CS_TRY(CertificateAuthority stranger, authority("Unknown CA"));
  ThrowawayPki pki(std::move(folder), now, entropy, std::move(provider), std::move(consumers),
                   std::move(stranger));
  pki.provider_ca_file_ = pki.folder_ / "provider-ca.pem";
  pki.consumer_ca_file_ = pki.folder_ / "consumer-ca.pem";
  CS_CHECK(write_private_file(pki.provider_ca_file_, pki.provider_.certificate_pem()));
  CS_CHECK(write_private_file(pki.consumer_ca_file_, pki.consumers_.certificate_pem()));
  return pki;
}

crypto::CertificateSpec ThrowawayPki::spec_for(std::string_view dns_name,
                                               CertificatePurpose purpose) const {
  crypto::CertificateSpec spec;
  spec.common_name = dns_name;
  spec.dns_names = {std::string(dns_name)};
  spec.purposes = {purpose};
  spec.not_before = now_ - hours(1);
  spec.not_after = now_ + hours(24);
  return spec;
}

Result<Identity> ThrowawayPki::make_server(std::string_view dns_name) const {
  crypto::CertificateSpec spec = spec_for(dns_name, CertificatePurpose::server_auth);
  spec.ip_addresses = {"127.0.0.1"};
  return make(provider_, spec, "server-" + std::string(dns_name));
}

Result<Identity> ThrowawayPki::make_client(std::string_view dns_name) const {
  return make(consumers_, spec_for(dns_name, CertificatePurpose::client_auth),
              "client-" + std::string(dns_name));
}

Result<Identity> ThrowawayPki::make_stranger(std::string_view dns_name) const {
  return make(stranger_, spec_for(dns_name, CertificatePurpose::client_auth),
              "stranger-" + std::string(dns_name));
}

Result<Identity> ThrowawayPki::make(const CertificateAuthority& authority,
                                    const crypto::CertificateSpec& spec,
                                    std::string_view file_stem) const {
  CS_TRY(const crypto::IssuedCertificate issued, authority.issue(spec, entropy_));
  Identity identity;
  identity.certificate = folder_ / (std::string(file_stem) + ".pem");
  identity.private_key = folder_ / (std::string(file_stem) + ".key");
  CS_CHECK(write_private_file(identity.certificate, issued.chain_pem));
  CS_CHECK(write_private_file(identity.private_key, issued.private_key_pem.unsafe_reveal_text()));
  CS_TRY(const auto chain, crypto::parse_certificates_pem(issued.certificate_pem));
  identity.thumbprint = encode_base64url(chain.front().thumbprint);
  return identity;
}

}  // namespace countersign::drill
