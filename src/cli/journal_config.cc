#include "cli/journal_config.h"

#include "core/ascii.h"
#include "store/sqlite_journal.h"

namespace countersign::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::seconds;

std::optional<crypto::AeadKey> read_key(const ConfigSection& section) {
  const Secret text = section.secret("sealing_key");
  if (text.empty()) return std::nullopt;
  auto bytes = decode_base64(ascii::trim(text.unsafe_reveal_text()));
  if (bytes) {
    auto key = crypto::AeadKey::create(Secret::take(*std::move(bytes)));
    if (key) return *std::move(key);
  }
  section.problem("sealing_key", "expected the base64 of 32 random bytes");
  return std::nullopt;
}

}  // namespace

std::optional<JournalConfig> read_journal(const ConfigSection& root) {
  if (!root.has("journal")) return std::nullopt;
  const ConfigSection section = root.section("journal");
  JournalConfig config;
  config.path = section.path_to("path").string();
  config.key = read_key(section);
  config.key_version = section.integer("sealing_key_version", config.key_version, {1, 1'000'000});
  config.calls.body_bytes_max =
      section.byte_size("body_bytes_max", config.calls.body_bytes_max, {1, 1 << 20});
  store::JournalLimits& limits = config.writer.limits;
  limits.keep_finished =
      section.seconds("keep_finished", limits.keep_finished, {seconds(60), hours(24 * 366)});
  limits.keep_unresolved =
      section.seconds("keep_unresolved", limits.keep_unresolved, {hours(1), hours(24 * 3660)});
  limits.entries_max =
      section.integer("entries_max", limits.entries_max, {100, int64_t{1'000'000'000}});
  return config;
}

Result<std::unique_ptr<store::Journal>> open_journal(const JournalConfig& config,
                                                     const Clock& clock) {
  CS_TRY(auto opened, store::SqliteJournal::open(config.path, clock));
  return opened;
}

}  // namespace countersign::cli
