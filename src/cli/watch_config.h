// The configuration's [watch]: which rules there are, and where alerts go.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/secret.h"
#include "http/target.h"
#include "provider/audit/watch_rules.h"

namespace countersign::cli {

struct WatchWebhook {
  http::Url url;
  std::string anchors_pem;  // the CAs that may have issued its certificate
  Secret bearer;            // empty: none is sent
};

struct WatchConfig {
  provider::WatchOptions rules;
  std::string state_path;
  std::optional<WatchWebhook> webhook;

  bool quarantines() const;
};

// `audit_path`: what was learnt is kept beside the log.
WatchConfig read_watch_config(const ConfigSection& watch, const std::string& audit_path);

}  // namespace countersign::cli
