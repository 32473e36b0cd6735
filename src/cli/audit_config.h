// The configuration's [audit], which the gateway and every command that changes the record need:
// all of them write to the same log.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/config.h"
#include "core/result.h"
#include "crypto/key.h"
#include "provider/audit/audit_file.h"

namespace countersign::cli {

struct AuditConfig {
  std::string path;
  std::chrono::milliseconds flush_interval{100};
  std::chrono::milliseconds checkpoint_every{10'000};
  uint64_t rotate_bytes = 256 * 1024 * 1024;
  uint32_t keep_files = 0;
  std::optional<crypto::PrivateKey> checkpoint_key;  // nullopt: the one beside the log
};

AuditConfig read_audit_config(const ConfigSection& audit);

// `audit.open_failed`, `audit.key_failed` (misconfigured). `clock` outlives the file.
Result<std::unique_ptr<provider::AuditFile>> open_audit_file(const AuditConfig& config,
                                                             const std::string& node,
                                                             const Clock& clock);

}  // namespace countersign::cli
