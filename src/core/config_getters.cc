// Typed values of a section. One pattern: find the node, take its text or number, check it, note
// what is wrong.

#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "core/config.h"
#include "core/config_document.h"
#include "core/config_value.h"
#include "core/duration.h"
#include "core/json.h"

namespace countersign {
namespace {

using std::chrono::nanoseconds;

constexpr std::string_view expected_endpoint = "an address and port such as 127.0.0.1:8080";
constexpr std::string_view expected_address = "an IP address such as 192.0.2.1";
constexpr std::string_view expected_network = "a network such as 10.0.0.0/8";

// In quotes, without control characters: a terminal will show it.
std::string shown(std::string_view value) {
  constexpr size_t shown_max = 60;
  std::string out;
  append_json_string(out, value.size() <= shown_max
                              ? std::string(value)
                              : std::string(value.substr(0, shown_max)) + "…");
  return out;
}

// What a node's value is read from and noted at.
struct Found {
  ConfigDocument& document;
  const ConfigNode& node;
  std::string path;

  void note(std::string text) const { document.note(node, path, std::move(text)); }
  void note_type(std::string_view expected) const {
    note("expected " + std::string(expected) + ", not " + node.describe());
  }
};

std::optional<std::string> string_in(const Found& found, std::string_view expected) {
  if (found.node.kind != ConfigKind::string && found.node.kind != ConfigKind::text) {
    found.note_type(expected);
    return std::nullopt;
  }
  return found.node.text;
}

// A value that is written as a string and read by `parse`, whose errors say what was expected.
template <typename T, typename Parse>
std::optional<T> parsed_in(const Found& found, std::string_view expected, Parse parse) {
  const auto text = string_in(found, expected);
  if (!text) return std::nullopt;
  Result<T> value = parse(*text);
  if (value) return *std::move(value);
  found.note("expected " + std::string(expected) + ", not " + shown(*text));
  return std::nullopt;
}

// Each item of a list; from a flag or variable, of text separated by commas. Null where the type is
// wrong.
template <typename T, typename Parse>
std::optional<std::vector<T>> list_in(const Found& found, std::string_view expected, Parse parse) {
  const std::string expected_list = "a list, each item " + std::string(expected);
  std::vector<ConfigNode> split;
  if (found.node.kind == ConfigKind::text) {
    for (std::string& item : split_list(found.node.text)) {
      ConfigNode node = found.node;
      node.text = std::move(item);
      split.push_back(std::move(node));
    }
  } else if (found.node.kind != ConfigKind::array) {
    found.note_type(expected_list);
    return std::nullopt;
  }
  const auto& items = found.node.kind == ConfigKind::text ? split : found.node.items;
  std::vector<T> values;
  for (size_t i = 0; i < items.size(); ++i) {
    const Found item{found.document, items[i], found.path + "[" + std::to_string(i) + "]"};
    if (auto value = parsed_in<T>(item, expected, parse)) values.push_back(*std::move(value));
  }
  return values;
}

Result<std::string> not_empty(std::string_view text) {
  if (text.empty()) return fail(ErrorKind::invalid_input, "config.empty", "empty");
  return std::string(text);
}

// The node of the key; null if absent, which is noted if it is required.
ConfigNode* find(ConfigDocument& document, const ConfigSection& section, std::string_view key,
                 std::string_view expected, bool required) {
  return required ? document.require(section, key, expected) : document.ask(section, key);
}

template <typename T, typename Parse>
std::optional<T> read(ConfigDocument& document, const ConfigSection& section, std::string_view key,
                      std::string_view expected, bool required, Parse parse) {
  const ConfigNode* const node = find(document, section, key, expected, required);
  if (node == nullptr) return std::nullopt;
  return parsed_in<T>({document, *node, ConfigDocument::path_of(section, key)}, expected, parse);
}

template <typename T, typename Parse>
std::optional<std::vector<T>> read_list(ConfigDocument& document, const ConfigSection& section,
                                        std::string_view key, std::string_view expected,
                                        bool required, Parse parse) {
  const ConfigNode* const node = find(document, section, key, "a list", required);
  if (node == nullptr) return std::nullopt;
  const Found found{document, *node, ConfigDocument::path_of(section, key)};
  const size_t before = document.problem_count();
  auto values = list_in<T>(found, expected, parse);
  if (required && values && values->empty() && document.problem_count() == before) {
    found.note("expected at least one item, each " + std::string(expected));
  }
  return values;
}

std::string range_text(std::string_view what, const std::string& min, const std::string& max) {
  return std::string(what) + " from " + min + " to " + max;
}

std::optional<nanoseconds> read_duration(ConfigDocument& document, const ConfigSection& section,
                                         std::string_view key, ConfigRange<nanoseconds> range,
                                         nanoseconds step, bool required) {
  const std::string what = step >= std::chrono::seconds(1)
                               ? "a duration in whole seconds such as 90s or 5m,"
                               : "a duration such as 250ms, 2s or 5m,";
  const std::string expected =
      range_text(what, format_duration(range.min), format_duration(range.max));
  return read<nanoseconds>(
      document, section, key, expected, required,
      [&](std::string_view text) -> Result<nanoseconds> {
        CS_TRY(const nanoseconds value, parse_duration(text));
        if (value < range.min || value > range.max || value % step != nanoseconds(0)) {
          return fail(ErrorKind::invalid_input, "config.out_of_range", "");
        }
        return value;
      });
}

std::optional<size_t> read_size(ConfigDocument& document, const ConfigSection& section,
                                std::string_view key, ConfigRange<size_t> range, bool required) {
  const std::string expected = range_text("a size such as 64KiB or 1MiB,",
                                          format_byte_size(range.min), format_byte_size(range.max));
  const auto parse = [&](std::string_view text) -> Result<size_t> {
    CS_TRY(const size_t value, parse_byte_size(text));
    if (value < range.min || value > range.max) {
      return fail(ErrorKind::invalid_input, "config.out_of_range", "");
    }
    return value;
  };
  ConfigNode* const node = find(document, section, key, expected, required);
  if (node == nullptr) return std::nullopt;
  const Found found{document, *node, ConfigDocument::path_of(section, key)};
  if (node->kind != ConfigKind::integer) return parsed_in<size_t>(found, expected, parse);
  const auto value = parse(std::to_string(node->integer));
  if (value) return *value;
  found.note_type(expected);
  return std::nullopt;
}

std::optional<bool> read_boolean(ConfigDocument& document, const ConfigSection& section,
                                 std::string_view key, bool required) {
  constexpr std::string_view expected = "true or false";
  ConfigNode* const node = find(document, section, key, expected, required);
  if (node == nullptr) return std::nullopt;
  if (node->kind == ConfigKind::boolean) return node->boolean;
  const Found found{document, *node, ConfigDocument::path_of(section, key)};
  if (node->kind == ConfigKind::text) return parsed_in<bool>(found, expected, parse_boolean);
  found.note_type(expected);
  return std::nullopt;
}

enum class Thing { anything, readable_file, folder };

// A path whose target is `thing`; empty if not, which is noted.
std::filesystem::path read_path(ConfigDocument& document, const ConfigSection& section,
                                std::string_view key, std::string_view expected, bool required,
                                Thing thing) {
  const ConfigNode* const node = find(document, section, key, expected, required);
  if (node == nullptr) return {};
  const Found found{document, *node, ConfigDocument::path_of(section, key)};
  const auto text = string_in(found, expected);
  if (!text) return {};
  if (text->empty() || text->find('\0') != std::string::npos) {
    found.note("expected " + std::string(expected) + ", not " + shown(*text));
    return {};
  }
  std::filesystem::path path = document.resolve(*node, *text);
  if (thing == Thing::anything) return path;
  if (thing == Thing::readable_file) document.note_file(path);
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  const std::string_view noun = thing == Thing::folder ? "folder" : "file";
  const std::string tail = " " + shown(path.string()) + "; expected " + std::string(expected);
  if (!std::filesystem::exists(status)) {
    found.note("no such " + std::string(noun) + tail);
  } else if (thing == Thing::folder ? !std::filesystem::is_directory(status)
                                    : !std::filesystem::is_regular_file(status)) {
    found.note("not a " + std::string(noun) + ":" + tail);
  } else if (access(path.c_str(), thing == Thing::folder ? X_OK : R_OK) != 0) {
    found.note("cannot be read (" + std::string(std::strerror(errno)) + "):" + tail);
  } else {
    return path;
  }
  return {};
}

template <typename T>
std::optional<T> if_not_empty(T value) {
  if (value.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::string ConfigSection::string(std::string_view key) const {
  return read<std::string>(*document_, *this, key, "a string that is not empty", true, not_empty)
      .value_or("");
}

std::optional<std::string> ConfigSection::optional_string(std::string_view key) const {
  return read<std::string>(
      *document_, *this, key, "a string", false,
      [](std::string_view text) -> Result<std::string> { return std::string(text); });
}

std::string ConfigSection::string(std::string_view key, std::string_view fallback) const {
  return optional_string(key).value_or(std::string(fallback));
}

std::vector<std::string> ConfigSection::strings(std::string_view key) const {
  return read_list<std::string>(*document_, *this, key, "a string that is not empty", true,
                                not_empty)
      .value_or(std::vector<std::string>());
}

std::vector<std::string> ConfigSection::strings(std::string_view key,
                                                std::vector<std::string> fallback) const {
  return read_list<std::string>(*document_, *this, key, "a string that is not empty", false,
                                not_empty)
      .value_or(std::move(fallback));
}

bool ConfigSection::boolean(std::string_view key) const {
  return read_boolean(*document_, *this, key, true).value_or(false);
}

bool ConfigSection::boolean(std::string_view key, bool fallback) const {
  return read_boolean(*document_, *this, key, false).value_or(fallback);
}

int64_t ConfigSection::integer_in(std::string_view key, std::optional<int64_t> fallback,
                                  Range<int64_t> range) const {
  const std::string expected =
      range_text("a whole number", std::to_string(range.min), std::to_string(range.max));
  const ConfigNode* const node = find(*document_, *this, key, expected, !fallback.has_value());
  const int64_t otherwise = fallback.value_or(range.min);
  if (node == nullptr) return otherwise;
  const Found found{*document_, *node, ConfigDocument::path_of(*this, key)};
  const auto in_range = [&](int64_t value) { return value >= range.min && value <= range.max; };
  if (node->kind == ConfigKind::integer && in_range(node->integer)) return node->integer;
  if (node->kind == ConfigKind::text) {
    const auto value = parse_integer(node->text);
    if (value && in_range(*value)) return *value;
    found.note("expected " + expected + ", not " + shown(node->text));
  } else {
    found.note_type(expected);
  }
  return otherwise;
}

nanoseconds ConfigSection::duration(std::string_view key, Range<nanoseconds> range) const {
  return read_duration(*document_, *this, key, range, nanoseconds(1), true).value_or(range.min);
}

nanoseconds ConfigSection::duration(std::string_view key, nanoseconds fallback,
                                    Range<nanoseconds> range) const {
  return read_duration(*document_, *this, key, range, nanoseconds(1), false).value_or(fallback);
}

std::chrono::seconds ConfigSection::seconds(std::string_view key, Seconds fallback,
                                            Range<Seconds> range) const {
  const auto value =
      read_duration(*document_, *this, key, {range.min, range.max}, Seconds(1), false);
  return std::chrono::duration_cast<Seconds>(value.value_or(fallback));
}

size_t ConfigSection::byte_size(std::string_view key, Range<size_t> range) const {
  return read_size(*document_, *this, key, range, true).value_or(range.min);
}

size_t ConfigSection::byte_size(std::string_view key, size_t fallback, Range<size_t> range) const {
  return read_size(*document_, *this, key, range, false).value_or(fallback);
}

IpAddress ConfigSection::ip_address(std::string_view key) const {
  return read<IpAddress>(*document_, *this, key, expected_address, true, IpAddress::parse)
      .value_or(IpAddress());
}

std::optional<IpAddress> ConfigSection::optional_ip_address(std::string_view key) const {
  return read<IpAddress>(*document_, *this, key, expected_address, false, IpAddress::parse);
}

Endpoint ConfigSection::endpoint(std::string_view key) const {
  return read<Endpoint>(*document_, *this, key, expected_endpoint, true, Endpoint::parse)
      .value_or(Endpoint());
}

Endpoint ConfigSection::endpoint(std::string_view key, Endpoint fallback) const {
  return optional_endpoint(key).value_or(fallback);
}

std::optional<Endpoint> ConfigSection::optional_endpoint(std::string_view key) const {
  return read<Endpoint>(*document_, *this, key, expected_endpoint, false, Endpoint::parse);
}

std::vector<Network> ConfigSection::networks(std::string_view key) const {
  return read_list<Network>(*document_, *this, key, expected_network, true, Network::parse)
      .value_or(std::vector<Network>());
}

std::vector<Network> ConfigSection::networks(std::string_view key,
                                             std::vector<Network> fallback) const {
  return read_list<Network>(*document_, *this, key, expected_network, false, Network::parse)
      .value_or(std::move(fallback));
}

std::filesystem::path ConfigSection::path_to(std::string_view key) const {
  return read_path(*document_, *this, key, "a path", true, Thing::anything);
}

std::filesystem::path ConfigSection::path_to(std::string_view key,
                                             std::filesystem::path fallback) const {
  return if_not_empty(read_path(*document_, *this, key, "a path", false, Thing::anything))
      .value_or(std::move(fallback));
}

std::filesystem::path ConfigSection::file(std::string_view key, std::string_view expected) const {
  return read_path(*document_, *this, key, expected, true, Thing::readable_file);
}

std::optional<std::filesystem::path> ConfigSection::optional_file(std::string_view key,
                                                                  std::string_view expected) const {
  return if_not_empty(read_path(*document_, *this, key, expected, false, Thing::readable_file));
}

std::filesystem::path ConfigSection::folder(std::string_view key, std::string_view expected) const {
  return read_path(*document_, *this, key, expected, true, Thing::folder);
}

std::optional<size_t> ConfigSection::choice_of(std::string_view key,
                                               const std::vector<std::string_view>& names,
                                               bool required) const {
  std::string expected = "one of";
  for (const std::string_view name : names) expected += " " + shown(name);
  return read<size_t>(*document_, *this, key, expected, required,
                      [&](std::string_view text) -> Result<size_t> {
                        for (size_t i = 0; i < names.size(); ++i) {
                          if (names[i] == text) return i;
                        }
                        return fail(ErrorKind::invalid_input, "config.not_a_choice", "");
                      });
}

}  // namespace countersign
