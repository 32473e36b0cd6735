#include "core/secret_file.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace countersign {
namespace {

class Descriptor final {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

std::unexpected<Error> refused(std::string_view code, std::string_view text,
                               const std::string& detail) {
  return fail(ErrorKind::misconfigured, code, text, detail);
}

std::unexpected<Error> unreadable(const std::string& path, const std::string& why) {
  return refused("secret.unreadable", "a secret file cannot be read", path + ": " + why);
}

std::string octal(mode_t mode) {
  std::string text = "0";
  for (int shift = 6; shift >= 0; shift -= 3) text += static_cast<char>('0' + (mode >> shift & 7));
  return text;
}

// Reads up to one byte more than allowed, so that a file that grows meanwhile is seen too.
Result<Secret> read_all(const Descriptor& file, const std::string& path) {
  Bytes bytes;
  // Reserved at once: growing would leave copies of the secret behind.
  bytes.resize(secret_file_bytes_max + 1);
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = read(file.number(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      wipe(bytes);
      return unreadable(path, std::strerror(error));
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  Secret secret;
  if (size <= secret_file_bytes_max) {
    if (size > 0 && bytes[size - 1] == '\n') --size;
    secret = Secret::copy_of(as_text(ByteView(bytes).first(size)));
  }
  wipe(bytes);
  if (size > secret_file_bytes_max) {
    return refused("secret.too_large", "a secret file is too large",
                   path + ": larger than 64 KiB; expected a key, a password or a token");
  }
  if (secret.empty())
    return refused("secret.empty", "a secret file is empty", path + ": the file is empty");
  return secret;
}

enum class Mode { private_only, any };

Result<Secret> read_guarded(const std::filesystem::path& path, Mode allowed) {
  const std::string& name = path.native();
  if (name.find('\0') != std::string::npos)
    return unreadable("the path", "it contains a zero byte");
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const Descriptor file(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat status{};
  if (file.number() < 0 || fstat(file.number(), &status) != 0) {
    return unreadable(name, errno == ENOENT ? "no such file" : std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return unreadable(name, "not a regular file");
  if (allowed == Mode::private_only && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refused("secret.exposed", "a secret file is open to its group or to others",
                   name + ": its mode " + octal(status.st_mode) +
                       " lets its group or others at the secret; run: chmod 600 " + name);
  }
  return read_all(file, name);
}

std::optional<std::string_view> value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  if (found == environment.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

}  // namespace

Result<Secret> read_secret_file(const std::filesystem::path& path) {
  return read_guarded(path, Mode::private_only);
}

Result<Secret> read_secret_credential(std::string_view name, const Environment& environment) {
  if (name.empty() || name.front() == '.' || name.find('/') != std::string_view::npos) {
    return refused("secret.bad_name", "a credential's name is not a plain file name",
                   "expected the name of a systemd credential, not \"" + std::string(name) + "\"");
  }
  const auto folder = value_of(environment, "CREDENTIALS_DIRECTORY");
  if (!folder) {
    return refused(
        "secret.unreadable", "there are no systemd credentials",
        "CREDENTIALS_DIRECTORY is not set: start the service by systemd with LoadCredential=" +
            std::string(name) + ":PATH, or name a file");
  }
  return read_guarded(std::filesystem::path(*folder) / name, Mode::any);
}

Result<Secret> read_secret_variable(std::string_view name, const Environment& environment) {
  const auto value = value_of(environment, name);
  if (!value) {
    return refused("secret.empty", "an environment variable that holds a secret is not set",
                   "the environment variable " + std::string(name) + " is not set or empty");
  }
  return Secret::copy_of(*value);
}

}  // namespace countersign
