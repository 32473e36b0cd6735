#include "cli/identity_files.h"

#include "cli/pem_file.h"
#include "core/text_file.h"

namespace countersign::cli {
namespace {

crypto::TlsIdentity read_pem_files(const ConfigSection& section) {
  crypto::TlsIdentity identity;
  identity.certificate_chain_pem =
      read_pem(section, "certificate", "the client's certificate chain (PEM)");
  identity.private_key_pem = section.secret("private_key");
  const auto passphrase = section.optional_secret("private_key_passphrase");
  if (!passphrase || identity.private_key_pem.empty()) return identity;
  auto opened = crypto::decrypt_private_key(identity.private_key_pem, *passphrase);
  if (opened) {
    identity.private_key_pem = *std::move(opened);
  } else {
    section.problem("private_key_file", opened.error().public_text);
  }
  return identity;
}

// It holds a private key: encrypted, but under a passphrase that may have been chosen by a human.
bool is_private(const std::filesystem::path& path) {
  using std::filesystem::perms;
  std::error_code error;
  const perms mode = std::filesystem::status(path, error).permissions();
  return !error && (mode & (perms::group_all | perms::others_all)) == perms::none;
}

crypto::TlsIdentity read_pkcs12_file(const ConfigSection& section) {
  constexpr std::string_view key = "pkcs12_file";
  const std::filesystem::path path = section.file(key, "certificate and key (PKCS #12)");
  const Secret passphrase = section.secret("pkcs12_passphrase");
  if (path.empty() || passphrase.empty()) return {};
  if (!is_private(path)) {
    section.problem(key,
                    "its group or others may read or write it; run: chmod 600 " + path.string());
    return {};
  }
  const auto bytes = read_text_file(path);
  if (!bytes) {
    section.problem(key, bytes.error().public_text);
    return {};
  }
  auto identity = crypto::parse_pkcs12(as_bytes(*bytes), passphrase);
  if (identity) return *std::move(identity);
  section.problem(key, identity.error().public_text);
  return {};
}

}  // namespace

std::optional<crypto::TlsIdentity> read_identity_files(const ConfigSection& section) {
  const bool has_pem = section.has("certificate");
  const bool has_pkcs12 = section.has("pkcs12_file");
  if (has_pem && has_pkcs12) {
    section.problem("pkcs12_file", "give either certificate and private_key_file, or this");
    section.skip("private_key_file");
    section.skip("pkcs12_passphrase_file");
    return std::nullopt;
  }
  if (has_pkcs12) return read_pkcs12_file(section);
  if (has_pem) return read_pem_files(section);
  return std::nullopt;
}

}  // namespace countersign::cli
