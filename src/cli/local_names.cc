#include "cli/local_names.h"

#include <charconv>
#include <string>
#include <vector>

#include <grp.h>
#include <pwd.h>

#include "core/ascii.h"

namespace countersign::cli {
namespace {

constexpr size_t record_bytes_max = 64 * 1024;

// The last id means "none" to the kernel.
std::optional<uint32_t> parse_id(std::string_view text) {
  uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id == UINT32_MAX)
    return std::nullopt;
  return id;
}

// A name may not look like a number: no program would agree with another on what it means.
bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::unexpected<Error> unknown(std::string_view code, std::string_view kind,
                               std::string_view name) {
  return fail(ErrorKind::misconfigured, code,
              "this machine has no " + std::string(kind) + " \"" + std::string(name) + "\"");
}

}  // namespace

Result<uint32_t> user_id_of(std::string_view name) {
  if (const auto id = is_number(name) ? parse_id(name) : std::nullopt) return *id;
  std::vector<char> memory(record_bytes_max);
  passwd record{};
  passwd* found = nullptr;
  getpwnam_r(std::string(name).c_str(), &record, memory.data(), memory.size(), &found);
  if (!found) return unknown("config.unknown_user", "user", name);
  return found->pw_uid;
}

Result<uint32_t> group_id_of(std::string_view name) {
  if (const auto id = is_number(name) ? parse_id(name) : std::nullopt) return *id;
  std::vector<char> memory(record_bytes_max);
  group record{};
  group* found = nullptr;
  getgrnam_r(std::string(name).c_str(), &record, memory.data(), memory.size(), &found);
  if (!found) return unknown("config.unknown_group", "group", name);
  return found->gr_gid;
}

Result<unsigned> parse_file_mode(std::string_view text) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (text.size() != 4 || !text.starts_with('0') || error != std::errc() ||
      end != text.data() + text.size()) {
    return fail(ErrorKind::misconfigured, "config.bad_mode",
                "expected a file mode of four octal digits, such as \"0660\"");
  }
  return mode;
}

void read_unix_socket(const ConfigSection& section, net::ListenOptions& listener) {
  // The abstract namespace has no file, therefore no mode: every process could connect.
  if (section.string("unix").starts_with('@')) {
    section.problem("unix", "abstract sockets have no permissions; expected a path");
    return;
  }
  listener.unix_path = section.path_to("unix").string();
  if (const auto mode = parse_file_mode(section.string("mode", "0600"))) {
    listener.unix_mode = *mode;
  } else {
    section.problem("mode", mode.error().public_text);
  }
  const auto id = [&](std::string_view key, Result<uint32_t> (*look_up)(std::string_view)) {
    const auto name = section.optional_string(key);
    if (!name) return std::optional<uint32_t>();
    const auto found = look_up(*name);
    if (!found) section.problem(key, found.error().public_text);
    return found ? std::optional(*found) : std::nullopt;
  };
  listener.unix_owner = id("owner", user_id_of);
  listener.unix_group = id("group", group_id_of);
}

}  // namespace countersign::cli
