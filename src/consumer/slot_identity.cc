#include "consumer/slot_identity.h"

#include <string_view>

#include "crypto/digest.h"

namespace countersign::consumer {
namespace {

// Lengths first: no two different lists of parts are the same bytes.
void add_number(Bytes& bytes, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<uint8_t>(value >> shift));
  }
}
void add_text(Bytes& bytes, std::string_view text) {
  add_number(bytes, text.size());
  const ByteView view = as_bytes(text);
  bytes.insert(bytes.end(), view.begin(), view.end());
}

}  // namespace

std::string slot_identity(const SlotKey& key) {
  const SlotKey whole = key.normalised();
  // Names every member: one that is added and forgotten here does not compile.
  const auto& [issuer, client_id, credential_version, scopes, resource, thumbprint] = whole;
  Bytes bytes;
  add_text(bytes, "countersign slot 1");
  add_text(bytes, issuer);
  add_text(bytes, client_id);
  add_number(bytes, credential_version);
  add_number(bytes, scopes.size());
  for (const std::string& scope : scopes) add_text(bytes, scope);
  add_text(bytes, resource);
  add_text(bytes, thumbprint);
  return encode_base64url(crypto::sha256(bytes));
}

}  // namespace countersign::consumer
