#include "cli/audit_config.h"

#include "provider/audit/checkpoint_key.h"

namespace countersign::cli {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

AuditConfig read_audit_config(const ConfigSection& audit) {
  AuditConfig config;
  config.path = audit.path_to("path").string();
  config.flush_interval = duration_cast<milliseconds>(
      audit.duration("flush_interval", config.flush_interval, {milliseconds(1), seconds(10)}));
  config.checkpoint_every = duration_cast<milliseconds>(
      audit.duration("checkpoint_every", config.checkpoint_every, {milliseconds(100), hours(1)}));
  config.rotate_bytes =
      audit.byte_size("rotate_at", config.rotate_bytes, {64 * 1024, SIZE_MAX / 2});
  config.keep_files = audit.integer("keep_files", config.keep_files, {0, 1'000'000});
  if (const auto pem = audit.optional_secret("checkpoint_key")) {
    auto key = crypto::PrivateKey::from_pem(*pem);
    if (key) {
      config.checkpoint_key = *std::move(key);
    } else {
      audit.problem("checkpoint_key", key.error().public_text);
    }
  }
  return config;
}

Result<std::unique_ptr<provider::AuditFile>> open_audit_file(const AuditConfig& config,
                                                             const std::string& node,
                                                             const Clock& clock) {
  auto key = config.checkpoint_key;
  if (!key) {
    CS_TRY(key, provider::checkpoint_key_beside(config.path));
  }
  return provider::AuditFile::open({.path = config.path,
                                    .node = node,
                                    .key = *std::move(key),
                                    .checkpoint_every = config.checkpoint_every,
                                    .rotate_bytes = config.rotate_bytes,
                                    .keep_files = config.keep_files},
                                   clock);
}

}  // namespace countersign::cli
