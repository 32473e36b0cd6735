#include "jose/jws.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/json.h"

namespace countersign::jose {

class JwsVerification {
 public:
  static VerifiedJws make(JwsHeader header, Bytes payload) {
    return VerifiedJws(std::move(header), std::move(payload));
  }
};

namespace {

constexpr size_t header_bytes_max = 2 * 1024;  // encoded; ours have 60
constexpr int header_depth_max = 4;
constexpr size_t signature_bytes_max = size_t{crypto::rsa_bits_max} / 8;

std::unexpected<Error> refuse(std::string_view code, std::string_view text,
                              std::string_view detail = {}) {
  return fail(ErrorKind::unauthenticated, code, text, detail);
}

std::unexpected<Error> malformed(std::string_view text) {
  return refuse("jose.malformed", text);
}

// The three parts, still encoded. Views into the compact form.
struct Parts {
  std::string_view header, payload, signature;
  std::string_view signed_text;  // header.payload
};

Result<Parts> split(std::string_view compact, size_t bytes_max) {
  // Size first: nothing else looks at more than this.
  if (compact.size() > bytes_max) {
    return fail(ErrorKind::too_large, "jose.too_large", "the signed text is too large");
  }
  const size_t first = compact.find('.');
  const size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) {
    return malformed("the signed text does not have exactly three parts");
  }
  const Parts parts{compact.substr(0, first), compact.substr(first + 1, second - first - 1),
                    compact.substr(second + 1), compact.substr(0, second)};
  if (parts.header.empty() || parts.signature.empty()) {
    return malformed("the signed text has an empty header or signature");
  }
  return parts;
}

// What would let the sender choose the key or change what is signed. RFC 7515 §4.1.11: crit names
// extensions that must be understood; we understand none. RFC 7797: b64. RFC 8725 §3.10: keys from
// the header.
constexpr std::array<std::string_view, 7> refused_parameters = {"crit", "b64", "jwk", "jku",
                                                                "x5c",  "x5u", "zip"};

Result<JwsHeader> read_header(std::string_view encoded) {
  const auto bad = [](std::string_view text) { return refuse("jose.bad_header", text); };
  if (encoded.size() > header_bytes_max) return bad("the header is too large");
  const auto decoded = decode_base64url(encoded);
  if (!decoded) return malformed("the header is not base64url");
  const auto object =
      parse_json(as_text(*decoded), {.bytes_max = header_bytes_max, .depth_max = header_depth_max});
  if (!object)
    return refuse("jose.bad_header", "the header is not sound JSON", object.error().code);
  if (!object->is_object()) return bad("the header is not a JSON object");
  for (const std::string_view name : refused_parameters) {
    if (has_member(*object, name)) {
      return refuse("jose.header_refused", "the header holds a parameter that is not accepted",
                    name);
    }
  }
  for (const std::string_view name : {"alg", "kid", "typ"}) {
    if (has_member(*object, name) && !string_member(*object, name)) {
      return bad("a parameter of the header is not a string");
    }
  }
  JwsHeader header;
  header.kid = string_member(*object, "kid").value_or("");
  header.typ = string_member(*object, "typ").value_or("");
  if (header.kid.size() > kid_bytes_max) return bad("the header's kid is too long");
  const auto name = string_member(*object, "alg");
  if (!name) return bad("the header has no alg");
  header.algorithm = crypto::find_signature_algorithm(*name);
  return header;
}

// The same, but the header that this thread read last is not read again: the tokens of one issuer
// differ in their payloads alone. Holds nothing but what the header's own bytes say.
Result<JwsHeader> read_header_once(std::string_view encoded) {
  thread_local std::string last_encoded;
  thread_local JwsHeader last;
  if (encoded == last_encoded) return last;
  CS_TRY(JwsHeader header, read_header(encoded));
  last_encoded.clear();  // in case what follows throws in the middle
  last = header;
  last_encoded = encoded;
  return header;
}

// `find_key`: from the header to the key that the caller trusts for it, or null.
template <typename FindKey>
Result<VerifiedJws> verify_with(std::string_view compact, const JwsRules& rules, FindKey find_key) {
  CS_TRY(const Parts parts, split(compact, rules.bytes_max));
  CS_TRY(JwsHeader header, read_header_once(parts.header));
  if (header.algorithm == nullptr ||
      std::ranges::find(rules.algorithms, header.algorithm) == rules.algorithms.end()) {
    return refuse("jose.alg_not_allowed", "the signature algorithm is not accepted");
  }
  const crypto::PublicKey* key = find_key(header);
  if (key == nullptr) {
    return refuse("jose.key_unknown", "the signing key is not known", header.kid);
  }
  if (parts.signature.size() > signature_bytes_max * 4 / 3 + 3) {
    return malformed("the signature is too long");
  }
  const auto signature = decode_base64url(parts.signature);
  if (!signature) return malformed("the signature is not base64url");
  auto payload = decode_base64url(parts.payload);
  if (!payload) return malformed("the payload is not base64url");
  const auto holds = key->verify(*header.algorithm, as_bytes(parts.signed_text), *signature);
  if (!holds) return refuse("jose.bad_signature", "the signature does not verify");
  return JwsVerification::make(std::move(header), *std::move(payload));
}

}  // namespace

Result<VerifiedJws> verify_jws(std::string_view compact, const JwkSet& keys,
                               const JwsRules& rules) {
  return verify_with(compact, rules, [&](const JwsHeader& header) -> const crypto::PublicKey* {
    const Jwk* jwk = keys.find(header.kid, *header.algorithm);
    return jwk == nullptr ? nullptr : &jwk->key;
  });
}

Result<VerifiedJws> verify_jws(std::string_view compact, const crypto::PublicKey& key,
                               const JwsRules& rules) {
  return verify_with(compact, rules, [&](const JwsHeader& header) -> const crypto::PublicKey* {
    return &key.algorithm() == header.algorithm ? &key : nullptr;
  });
}

Result<std::string> sign_jws(ByteView payload, const crypto::PrivateKey& key, std::string_view kid,
                             std::string_view typ) {
  std::string compact = encode_header(key.algorithm(), kid, typ);
  compact += encode_base64url(payload);
  CS_TRY(const Bytes signature, key.sign(as_bytes(compact)));
  compact += '.';
  compact += encode_base64url(signature);
  return compact;
}

std::string encode_header(const crypto::SignatureAlgorithm& algorithm, std::string_view kid,
                          std::string_view typ) {
  std::string json = R"({"alg":)";
  append_json_string(json, algorithm.jose_name);
  if (!typ.empty()) {
    json += R"(,"typ":)";
    append_json_string(json, typ);
  }
  if (!kid.empty()) {
    json += R"(,"kid":)";
    append_json_string(json, kid);
  }
  json += '}';
  return encode_base64url(as_bytes(json)) + '.';
}

}  // namespace countersign::jose
