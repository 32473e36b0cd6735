// TokenWriter: claims to JSON without a document, since an issuer does this for every token.

#include "core/json.h"
#include "jose/jwt.h"

namespace countersign::jose {
namespace {

void append_claim(std::string& json, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  append_json_string(json, name);
  json += ':';
  append_json_string(json, value);
  json += ',';
}

void append_time(std::string& json, std::string_view name, WallTime time) {
  append_json_string(json, name);
  json += ':';
  json += std::to_string(to_unix_seconds(time));
  json += ',';
}

void append_audiences(std::string& json, const std::vector<std::string>& audiences) {
  if (audiences.empty()) return;
  json += R"("aud":)";
  if (audiences.size() > 1) json += '[';
  for (const std::string& audience : audiences) {
    if (&audience != &audiences.front()) json += ',';
    append_json_string(json, audience);
  }
  json += audiences.size() > 1 ? "]," : ",";
}

void append_confirmations(std::string& json, const std::vector<Confirmation>& confirmations) {
  if (confirmations.empty()) return;
  json += R"("cnf":{)";
  for (const Confirmation& member : confirmations) append_claim(json, member.name, member.value);
  json.back() = '}';
  json += ',';
}

std::string claims_json(const TokenClaims& claims) {
  std::string json = "{";
  json.reserve(512);
  append_claim(json, "iss", claims.issuer);
  append_claim(json, "sub", claims.subject);
  append_audiences(json, claims.audiences);
  append_claim(json, "client_id", claims.client_id);
  append_claim(json, "scope", claims.scope);
  append_claim(json, "jti", claims.jwt_id);
  append_time(json, "iat", claims.issued_at);
  if (claims.not_before) append_time(json, "nbf", *claims.not_before);
  append_confirmations(json, claims.confirmations);
  for (const auto& [name, value] : claims.extra) append_claim(json, name, value);
  append_time(json, "exp", claims.expires_at);
  json.back() = '}';
  return json;
}

}  // namespace

TokenWriter::TokenWriter(crypto::PrivateKey key, std::string_view kid, std::string_view typ)
    : key_(std::move(key)), encoded_header_(encode_header(key_.algorithm(), kid, typ)) {}

Result<std::string> TokenWriter::sign(const TokenClaims& claims) const {
  std::string compact = encoded_header_;
  compact += encode_base64url(as_bytes(claims_json(claims)));
  CS_TRY(const Bytes signature, key_.sign(as_bytes(compact)));
  compact += '.';
  compact += encode_base64url(signature);
  return compact;
}

}  // namespace countersign::jose
