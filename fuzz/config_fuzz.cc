// Configuration text and flags, from anyone: no input ends the process, and finish() succeeds
// exactly if there is no problem. The input is TOML; a first line "#set KEY=VALUE" is a flag too.
// It is read twice: with no key asked for, and with every key read as every type.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/config.h"

namespace {

using countersign::ConfigSection;

void read_everything(const ConfigSection& section, int depth) {
  using namespace std::chrono_literals;
  for (const std::string& key : section.keys()) {
    section.string(key);
    section.strings(key, {});
    section.boolean(key, false);
    section.integer<int64_t>(key, 0, {INT64_MIN, INT64_MAX});
    section.duration(key, 1s, {0s, 1h});
    section.byte_size(key, 1, {0, 1 << 20});
    section.optional_ip_address(key);
    section.optional_endpoint(key);
    section.networks(key, {});
    section.path_to(key);
    if (depth == 0) continue;
    read_everything(section.section(key), depth - 1);
    for (const ConfigSection& table : section.tables(key)) read_everything(table, depth - 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  countersign::ConfigOverrides overrides;
  constexpr std::string_view mark = "#set ";
  if (input.starts_with(mark)) {
    overrides.flags.emplace_back(input.substr(mark.size(), input.find('\n') - mark.size()));
  }
  auto unread = countersign::ConfigReader::parse(input, "fuzz.toml", overrides);
  auto read = countersign::ConfigReader::parse(input, "fuzz.toml", overrides);
  read_everything(read.root(), 3);
  for (auto* config : {&unread, &read}) {
    if (config->finish().has_value() != config->problems().empty()) std::abort();
  }
  return 0;
}
