// The interface of client::Secret (include/countersign/secret.h).

#include <utility>

#include "client/secret_access.h"
#include "core/secret_file.h"

namespace countersign::client {
inline namespace v0 {
namespace {

// Volatile, so that the compiler keeps it. The vector never grows, so its capacity is its size.
void wipe_text(std::vector<char>& text) {
  volatile char* const bytes = text.data();
  for (size_t i = 0; i < text.size(); ++i) bytes[i] = 0;
  text.clear();
}

}  // namespace

Secret::Secret() noexcept = default;

Secret Secret::take(std::string&& text) {
  Secret secret = copy_of(text);
  countersign::wipe(text);
  return secret;
}

Secret Secret::copy_of(std::string_view text) {
  Secret secret;
  secret.text_.assign(text.begin(), text.end());
  return secret;
}

Secret Secret::in_file(std::filesystem::path path) {
  Secret secret;
  secret.file_ = std::move(path);
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : text_(std::exchange(other.text_, {})), file_(std::exchange(other.file_, {})) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe_text(text_);
  text_ = std::exchange(other.text_, {});
  file_ = std::exchange(other.file_, {});
  return *this;
}

Secret::~Secret() {
  wipe_text(text_);
}

bool Secret::empty() const noexcept {
  return text_.empty() && file_.empty();
}

Result<countersign::Secret> SecretAccess::read(const Secret& secret) {
  if (!secret.file_.empty()) return read_secret_file(secret.file_);
  return countersign::Secret::copy_of(std::string_view(secret.text_.data(), secret.text_.size()));
}

}  // namespace v0
}  // namespace countersign::client
