// JournalledRequest: a write as it is kept in the journal, so that it can be sent once more after
// a crash: what the provider saw, without the credential.
//
// The bytes are sealed (store/sealing_keys.h) for the entry's API and key (store/rekey.h): an
// entry's request cannot be put into another entry.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "crypto/digest.h"

namespace countersign::consumer {

struct JournalledRequest {
  std::string method = {};
  std::string target = {};
  std::vector<std::pair<std::string, std::string>> fields = {};  // without framing and credential
  std::string body = {};
};

// What the same Idempotency-Key must stand for: SHA-256 over method, target and body, each with
// its length. Fields do not count: a client that traces its calls changes some with each.
crypto::Sha256Digest digest_of(std::string_view method, std::string_view target,
                               std::string_view body);

// Four-byte lengths and bytes, in the order of the members.
Bytes serialize(const JournalledRequest& request);
// `journal.bad_entry` (corrupt) unless it is exactly what serialize() makes.
Result<JournalledRequest> parse_journalled_request(ByteView bytes);

}  // namespace countersign::consumer
