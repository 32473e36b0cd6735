// The key that signs the checkpoints of an audit log, where none is configured: made once, beside
// the log. It keeps the log from whoever gets at the log alone (a copy, a backup, a shipper), not
// from whoever can read the folder as this user can.

#pragma once

#include <string>

#include "core/result.h"
#include "crypto/key.h"

namespace countersign::provider {

// The key in AUDIT_PATH.key (0600), which is made if it is not there: Ed25519. Its public half is
// put into AUDIT_PATH.pub (0644). `audit.key_failed` (misconfigured).
Result<crypto::PrivateKey> checkpoint_key_beside(const std::string& audit_path);

}  // namespace countersign::provider
