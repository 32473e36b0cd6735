#include "cli/operator_name.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "core/ascii.h"

namespace countersign::cli {

std::string operator_name(const Environment& environment) {
  const uid_t user = ::getuid();
  std::string name = fmt::format("uid:{}", user);
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> space{};
  if (::getpwuid_r(user, &entry, space.data(), space.size(), &found) == 0 && found != nullptr) {
    name += fmt::format(" {}", found->pw_name);
  }
  const auto sudo = environment.find("SUDO_UID");
  const std::string_view behind = sudo == environment.end() ? "" : sudo->second;
  if (!behind.empty() && behind.size() <= 10 && std::ranges::all_of(behind, ascii::is_digit)) {
    name += fmt::format(" (sudo uid:{})", behind);
  }
  return name;
}

}  // namespace countersign::cli
