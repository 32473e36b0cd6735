#include "core/secret.h"

#include <cstring>

namespace countersign {

void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

void wipe(Bytes& bytes) {
  bytes.resize(bytes.capacity());
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
  bytes.clear();
}

Secret Secret::take(std::string&& text) {
  Secret secret = copy_of(text);
  countersign::wipe(text);
  return secret;
}

Secret Secret::take(Bytes&& bytes) {
  Secret secret;
  secret.bytes_ = std::move(bytes);
  return secret;
}

Secret Secret::copy_of(std::string_view text) {
  Secret secret;
  secret.bytes_ = to_bytes(text);
  return secret;
}

Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) {
  other.bytes_.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_.swap(other.bytes_);
  }
  return *this;
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    bytes_ = other.bytes_;
  }
  return *this;
}

Secret::~Secret() {
  wipe();
}

void Secret::wipe() {
  countersign::wipe(bytes_);
}

}  // namespace countersign
