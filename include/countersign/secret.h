// Secret: an API key, a client secret or a private key on its way into a client.
//
// Move-only, and zeroed when it is destroyed. There is no way to read it back, to print it or to
// compare it: only the library does that, inside.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <countersign/export.h>

namespace countersign::client {
inline namespace v0 {

class COUNTERSIGN_API Secret final {
 public:
  // None.
  Secret() noexcept;
  // Takes the bytes over and zeroes what it was given, its whole capacity.
  static Secret take(std::string&& text);
  // Copies; the caller keeps responsibility for the original.
  static Secret copy_of(std::string_view text);
  // The file's content without one newline at the end. Read when a client is made, and never again:
  // make a new client after a change. Refused, as a Problem of the client's: a file that its group
  // or others may read or write, one that is missing, empty, or larger than 64 KiB.
  static Secret in_file(std::filesystem::path path);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // True if there is neither text nor file.
  bool empty() const noexcept;

 private:
  friend struct SecretAccess;  // the library's own way in
  std::vector<char> text_;
  std::filesystem::path file_;
};

}  // namespace v0
}  // namespace countersign::client
