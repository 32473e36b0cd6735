#include "provider/audit/checkpoint_key.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "core/secret_file.h"
#include "provider/audit/audit_files.h"

namespace countersign::provider {
namespace {

std::unexpected<Error> key_failed(const std::string& path, std::string_view what) {
  return fail(ErrorKind::misconfigured, "audit.key_failed",
              "The key that signs the audit log's checkpoints cannot be had.",
              path + ": " + std::string(what));
}

Result<void> write_new(const std::string& path, std::string_view text, mode_t mode) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (descriptor < 0) return key_failed(path, std::strerror(errno));
  const ssize_t moved = ::write(descriptor, text.data(), text.size());
  const bool ok = moved == static_cast<ssize_t>(text.size()) && ::fsync(descriptor) == 0;
  ::close(descriptor);
  if (!ok) return key_failed(path, "it cannot be written");
  return {};
}

// Whoever is first makes it: link() does not replace what is there.
Result<void> make_key(const std::string& path) {
  CS_TRY(const crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::eddsa));
  const std::string fresh = fmt::format("{}.{}", path, ::getpid());
  const Secret pem = key.to_pem();
  const auto written = write_new(fresh, pem.unsafe_reveal_text(), 0600);
  const bool linked = written && (::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const int error_code = errno;
  ::unlink(fresh.c_str());
  CS_CHECK(written);
  if (!linked) return key_failed(path, std::strerror(error_code));
  return {};
}

}  // namespace

Result<crypto::PrivateKey> checkpoint_key_beside(const std::string& audit_path) {
  const std::string path = key_path(audit_path);
  if (::access(path.c_str(), F_OK) != 0) CS_CHECK(make_key(path));
  const auto pem = read_secret_file(path);
  if (!pem) return key_failed(path, pem.error().for_log());
  auto key = crypto::PrivateKey::from_pem(*pem);
  if (!key) return key_failed(path, key.error().for_log());
  const std::string public_path = public_key_path(audit_path);
  if (::access(public_path.c_str(), F_OK) != 0) {
    CS_CHECK(write_new(public_path, key->public_key().to_pem(), 0644));
  }
  return key;
}

}  // namespace countersign::provider
