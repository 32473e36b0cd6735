// Configuration: a TOML file (https://toml.io, v1.0), environment variables and --set flags, read
// by type.
//
//   auto config = ConfigReader::load("egress.toml", {.flags = sets, .environment = environment});
//   const ConfigSection egress = config.root().section("egress");
//   options.listen = egress.endpoint("listen");                                // required
//   options.idle = egress.duration("idle_timeout", options.idle, {1s, 1h});    // or as it was
//   for (const ConfigSection& api : config.root().tables("api")) read_api(api);
//   CS_CHECK(config.finish());                                                 // tells everything
//
// A getter without a fallback is for a key that must be there. No getter fails: what is wrong
// (absent, of another type, out of range, a missing file) is noted with file, line and key, the
// fallback or an empty value is given, and finish() tells everything, keys that nobody asked for
// included. Nothing read may be used before finish() has succeeded: it fails closed.
//
// Flag > environment > file. A flag is `section.key=value`, with `api[0].key` for one of several
// tables. A variable's name is the path in upper case, COUNTERSIGN and the parts joined by two
// underscores: COUNTERSIGN__EGRESS__LISTEN, COUNTERSIGN__API__0__CERTIFICATE. (One underscore would
// take in what container platforms set by themselves, such as COUNTERSIGN_SERVICE_HOST.) Both give
// text, which is read as the key's type; lists are separated by commas. They can change and add
// keys, not add a table to an array.
//
// Secrets are never values of the configuration, and so never on a command line: see
// ConfigSection::secret().

#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/config_environment.h"
#include "core/ip_address.h"
#include "core/result.h"
#include "core/secret.h"

namespace countersign {

// Both ends belong to it.
template <typename T>
struct ConfigRange {
  T min;
  T max;
};

struct ConfigProblem {
  std::string source;  // the file's name as given, the variable's name, or "--set"; may be empty
  int line = 0;        // of the file; 0 if there is none
  std::string key;     // "api[0].certificate"; empty if it is about the whole file
  std::string text;    // "no such file /etc/…; expected a certificate (PEM)"

  // "egress.toml:12: api[0].certificate: no such file …; expected …"
  std::string to_string() const;
};

struct ConfigOverrides {
  std::vector<std::string> flags;  // "section.key=value", as given to --set
  Environment environment;         // those that start with COUNTERSIGN__ count; also for secrets
};

// The parsed file and what became of it, shared by a reader and its sections.
class ConfigDocument;
struct ConfigNode;

// One table of the configuration, perhaps absent (then every key is). A cheap handle, valid while
// its reader lives.
class ConfigSection final {
 public:
  using Seconds = std::chrono::seconds;
  using Nanoseconds = std::chrono::nanoseconds;
  template <typename T>
  using Range = ConfigRange<T>;

  // Whether the key has a value from any source. Counts as asking for the key.
  bool has(std::string_view key) const;
  // "api[0]"; empty for the root.
  const std::string& path() const { return path_; }
  // For messages of the caller's own: notes a problem at this key's place. `text` holds no secret.
  void problem(std::string_view key, std::string_view text) const;
  // The key, and everything in it, is known and not wanted here.
  void skip(std::string_view key) const;
  // The names in this table, for tables whose names the writer chooses. Does not count as asking
  // for them.
  std::vector<std::string> keys() const;

  // A table, and an array of tables ([[route]]); an absent one is empty.
  ConfigSection section(std::string_view key) const;
  std::vector<ConfigSection> tables(std::string_view key) const;

  // Required ones are not empty; others may be.
  std::string string(std::string_view key) const;
  std::string string(std::string_view key, std::string_view fallback) const;
  std::optional<std::string> optional_string(std::string_view key) const;
  // Strings that are not empty. The first form needs at least one.
  std::vector<std::string> strings(std::string_view key) const;
  std::vector<std::string> strings(std::string_view key, std::vector<std::string> fallback) const;

  bool boolean(std::string_view key) const;
  bool boolean(std::string_view key, bool fallback) const;

  template <std::integral T>
  T integer(std::string_view key, Range<T> range) const {
    return static_cast<T>(integer_in(key, std::nullopt, widen(range)));
  }
  template <std::integral T>
  T integer(std::string_view key, T fallback, Range<std::type_identity_t<T>> range) const {
    return static_cast<T>(integer_in(key, static_cast<int64_t>(fallback), widen(range)));
  }

  // "5m", "250ms"; see core/duration.h. A bare number has no unit and is refused.
  Nanoseconds duration(std::string_view key, Range<Nanoseconds> range) const;
  Nanoseconds duration(std::string_view key, Nanoseconds fallback, Range<Nanoseconds> range) const;
  // The same in whole seconds ("1500ms" is refused), for lifetimes that go over the wire.
  Seconds seconds(std::string_view key, Seconds fallback, Range<Seconds> range) const;

  // "64KiB", "1MiB", "512B", or a bare number of bytes; see core/config_value.h.
  size_t byte_size(std::string_view key, Range<size_t> range) const;
  size_t byte_size(std::string_view key, size_t fallback, Range<size_t> range) const;

  IpAddress ip_address(std::string_view key) const;
  std::optional<IpAddress> optional_ip_address(std::string_view key) const;
  // "127.0.0.1:8080"
  Endpoint endpoint(std::string_view key) const;
  Endpoint endpoint(std::string_view key, Endpoint fallback) const;
  std::optional<Endpoint> optional_endpoint(std::string_view key) const;
  // CIDR. The first form needs at least one.
  std::vector<Network> networks(std::string_view key) const;
  std::vector<Network> networks(std::string_view key, std::vector<Network> fallback) const;

  // A path, absolute or relative to the configuration file's folder (from a flag or variable: to
  // the current folder).
  std::filesystem::path path_to(std::string_view key) const;
  std::filesystem::path path_to(std::string_view key, std::filesystem::path fallback) const;
  // The same, of a regular file that exists and can be read. `expected` says what it holds, for the
  // message: "a certificate (PEM)".
  std::filesystem::path file(std::string_view key, std::string_view expected) const;
  std::optional<std::filesystem::path> optional_file(std::string_view key,
                                                     std::string_view expected) const;
  // The same, of a folder that exists.
  std::filesystem::path folder(std::string_view key, std::string_view expected) const;

  // One of `names`.
  template <typename T>
  T choice(std::string_view key, std::span<const std::pair<std::string_view, T>> names) const {
    const auto index = choice_of(key, names_in<T>(names), /*required=*/true);
    return index ? names[*index].second : T{};
  }
  template <typename T>
  T choice(
      std::string_view key, T fallback,
      std::initializer_list<std::pair<std::string_view, std::type_identity_t<T>>> names) const {
    const std::span<const std::pair<std::string_view, T>> span(names.begin(), names.size());
    const auto index = choice_of(key, names_in<T>(span), /*required=*/false);
    return index ? span[*index].second : fallback;
  }

  // The secret NAME, from exactly one of: NAME_file (a file that only its owner can read),
  // NAME_credential (a systemd credential), NAME_env (the name of an environment variable). NAME
  // itself is refused: a secret in a configuration ends up in repositories, backups and process
  // lists.
  Secret secret(std::string_view name) const;
  std::optional<Secret> optional_secret(std::string_view name) const;

 private:
  friend class ConfigReader;
  friend class ConfigDocument;
  // `table` is null if this section is absent. A muted one stands for something that was noted as
  // broken already: what is missing in it is not noted too.
  ConfigSection(ConfigDocument& document, ConfigNode* table, std::string path, bool muted)
      : document_(&document), table_(table), path_(std::move(path)), muted_(muted) {}

  template <std::integral T>
  static Range<int64_t> widen(Range<T> range) {
    const auto fit = [](T value) {
      return std::in_range<int64_t>(value) ? static_cast<int64_t>(value)
                                           : std::numeric_limits<int64_t>::max();
    };
    return {fit(range.min), fit(range.max)};
  }
  template <typename T>
  static std::vector<std::string_view> names_in(
      std::span<const std::pair<std::string_view, T>> pairs) {
    std::vector<std::string_view> names;
    for (const auto& pair : pairs) names.push_back(pair.first);
    return names;
  }
  int64_t integer_in(std::string_view key, std::optional<int64_t> fallback,
                     Range<int64_t> range) const;
  std::optional<size_t> choice_of(std::string_view key, const std::vector<std::string_view>& names,
                                  bool required) const;

  ConfigDocument* document_;
  ConfigNode* table_;
  std::string path_;
  bool muted_;
};

class ConfigReader final {
 public:
  // Neither fails: a file that cannot be read (larger than 1 MiB included) or that is not TOML is a
  // problem that finish() tells, alone, since nothing after it means anything. `file_name` is used
  // in messages and its folder for relative paths.
  static ConfigReader load(const std::filesystem::path& file_name, ConfigOverrides overrides = {});
  static ConfigReader parse(std::string_view text, const std::filesystem::path& file_name,
                            ConfigOverrides overrides = {});
  ConfigReader(ConfigReader&&) noexcept;
  ConfigReader& operator=(ConfigReader&&) noexcept;
  ~ConfigReader();

  ConfigSection root();

  // After everything was read. `config.invalid` if there is any problem; its public text has all of
  // them, a line each, those of the file sorted by line, then those of variables and flags.
  Result<void> finish();
  // The same, one by one.
  std::vector<ConfigProblem> problems();

  // The configuration file and every file that file(), optional_file() and secret() were asked for,
  // readable or not, each once: what a reload depends on.
  std::vector<std::filesystem::path> files() const;

  // The places ("egress.toml:7: api[0].unsafe_skip_pins") of options whose name starts with
  // `unsafe_` and that are set to anything but false, to be warned of at start.
  std::vector<std::string> unsafe_options() const;

 private:
  explicit ConfigReader(std::unique_ptr<ConfigDocument> document);
  std::unique_ptr<ConfigDocument> document_;
};

}  // namespace countersign
