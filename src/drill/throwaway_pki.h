// The certificates of one provider and its consumers, made for one run and thrown away: two private
// CAs, as two companies have, and leaves for the servers and clients.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"
#include "crypto/certificate_authority.h"

namespace countersign::drill {

// Certificate chain and key of one party, as files (the key's mode is 0600).
struct Identity {
  std::filesystem::path certificate;
  std::filesystem::path private_key;
  std::string thumbprint;  // x5t#S256
};

class ThrowawayPki final {
 public:
  // Files go into `folder`, which exists. Certificates are valid from an hour ago for a day.
  static Result<ThrowawayPki> create(std::filesystem::path folder, const Clock& clock,
                                     Entropy& entropy);

  // For `dns_name` and 127.0.0.1, issued by the provider's CA.
  Result<Identity> make_server(std::string_view dns_name) const;
  // With `dns_name` as subjectAltName, issued by the consumers' CA.
  Result<Identity> make_client(std::string_view dns_name) const;
  // The same from a CA that nobody trusts.
  Result<Identity> make_stranger(std::string_view dns_name) const;
  // What the spec says, for tests of particular certificates.
  Result<Identity> make(const crypto::CertificateAuthority& authority,
                        const crypto::CertificateSpec& spec, std::string_view file_stem) const;

  const std::filesystem::path& provider_ca() const {
    return provider_ca_file_;
  }  // PEM: what consumers trust
  const std::filesystem::path& consumer_ca() const {
    return consumer_ca_file_;
  }  // PEM: what the provider trusts
  const crypto::CertificateAuthority& consumer_authority() const { return consumers_; }

 private:
  ThrowawayPki(std::filesystem::path folder, WallTime now, Entropy& entropy,
               crypto::CertificateAuthority provider, crypto::CertificateAuthority consumers,
               crypto::CertificateAuthority stranger)
      : folder_(std::move(folder)),
        now_(now),
        entropy_(entropy),
        provider_(std::move(provider)),
        consumers_(std::move(consumers)),
        stranger_(std::move(stranger)) {}
  crypto::CertificateSpec spec_for(std::string_view dns_name,
                                   crypto::CertificatePurpose purpose) const;

  std::filesystem::path folder_;
  WallTime now_;
  Entropy& entropy_;
  crypto::CertificateAuthority provider_;
  crypto::CertificateAuthority consumers_;
  crypto::CertificateAuthority stranger_;
  std::filesystem::path provider_ca_file_;
  std::filesystem::path consumer_ca_file_;
};

// Writes a file with mode 0600, replacing what was there. `drill.cannot_write`.
Result<void> write_private_file(const std::filesystem::path& path, std::string_view text);

}  // namespace countersign::drill
