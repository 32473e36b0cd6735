#include "jose/jwk.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/json.h"

namespace countersign::jose {
namespace {

using crypto::KeyKind;
using crypto::PublicKeyComponents;

constexpr int depth_max = 4;

std::unexpected<Error> bad(std::string_view text) {
  return fail(ErrorKind::invalid_input, "jose.bad_jwk", text);
}

std::unexpected<Error> not_supported(std::string_view what) {
  return fail(ErrorKind::invalid_input, "jose.key_not_supported",
              "the key's type, curve, use or algorithm is not supported", what);
}

std::unexpected<Error> bad_set(std::string_view text, std::string_view detail = {}) {
  return fail(ErrorKind::invalid_input, "jose.bad_jwk_set", text, detail);
}

// How a kind of key is written: which members name it and carry its numbers.
struct KeyForm {
  KeyKind kind;
  std::string_view kty;
  std::string_view crv;  // empty: the member is not used
  struct Number {
    std::string_view member;
    Bytes PublicKeyComponents::* bytes;
  };
  std::array<Number, 2> numbers;  // an unused one has no name
};

constexpr std::array<KeyForm, 3> forms = {
    KeyForm{KeyKind::ec_p256,
            "EC",
            "P-256",
            {{{"x", &PublicKeyComponents::x}, {"y", &PublicKeyComponents::y}}}},
    KeyForm{KeyKind::rsa,
            "RSA",
            "",
            {{{"e", &PublicKeyComponents::exponent}, {"n", &PublicKeyComponents::modulus}}}},
    KeyForm{KeyKind::ed25519, "OKP", "Ed25519", {{{"x", &PublicKeyComponents::x}, {"", nullptr}}}},
};

const KeyForm& form_of(KeyKind kind) {
  return *std::ranges::find(forms, kind, &KeyForm::kind);
}

// RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 8037 §2: what only the owner of a key may have.
bool has_private_member(const Json& object) {
  constexpr std::array<std::string_view, 8> names = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
  return std::ranges::any_of(names, [&](std::string_view n) { return has_member(object, n); });
}

bool is_text_or_absent(const Json& object, std::string_view name) {
  return !has_member(object, name) || string_member(object, name).has_value();
}

// RFC 7517 §4.3: where key_ops is there, it must allow what the key is wanted for.
bool may_verify(const Json& object) {
  if (!has_member(object, "key_ops")) return true;
  const Json& operations = *object.find("key_ops");
  return operations.is_array() && std::ranges::find(operations, Json("verify")) != operations.end();
}

Result<const KeyForm*> find_form(const Json& object) {
  for (const std::string_view name : {"kty", "crv", "alg", "use", "kid"}) {
    if (!is_text_or_absent(object, name)) return bad("a member of the key has the wrong type");
  }
  const auto kty = string_member(object, "kty");
  if (!kty) return bad("the key has no kty");
  const auto crv = string_member(object, "crv");
  const auto* const form = std::ranges::find_if(
      forms, [&](const KeyForm& f) { return f.kty == *kty && (f.crv.empty() || f.crv == crv); });
  if (form == forms.end()) return not_supported("kty " + *kty + " crv " + crv.value_or(""));
  const auto alg = string_member(object, "alg");
  if (alg && *alg != algorithm_for(form->kind).jose_name) return not_supported("alg " + *alg);
  const auto use = string_member(object, "use");
  if ((use && *use != "sig") || !may_verify(object)) return not_supported("use or key_ops");
  return form;
}

Result<Bytes> number_in(const Json& object, std::string_view name) {
  const auto text = string_member(object, name);
  if (!text) return bad("the key lacks one of its numbers");
  auto bytes = decode_base64url(*text);
  if (!bytes) return bad("a number of the key is not base64url");
  // RFC 7518 §2 (Base64urlUInt) and §6.2.1.2 (full length): either way never empty.
  if (bytes->empty()) return bad("a number of the key is empty");
  return bytes;
}

Result<Jwk> read_jwk(const Json& object) {
  if (!object.is_object()) return bad("the key is not a JSON object");
  if (has_private_member(object)) return bad("the key holds private or symmetric members");
  CS_TRY(const KeyForm* form, find_form(object));
  PublicKeyComponents parts;
  parts.kind = form->kind;
  for (const KeyForm::Number& number : form->numbers) {
    if (number.member.empty()) continue;
    CS_TRY(parts.*number.bytes, number_in(object, number.member));
  }
  // RFC 7518 §6.3.1.1: no leading zero octets, so that a key has one spelling.
  if (form->kind == KeyKind::rsa && (parts.modulus.front() == 0 || parts.exponent.front() == 0)) {
    return bad("a number of the key has a leading zero");
  }
  std::string kid = string_member(object, "kid").value_or("");
  if (kid.size() > kid_bytes_max) return bad("the key's kid is too long");
  CS_TRY(crypto::PublicKey key, crypto::PublicKey::from_components(parts));
  return Jwk{std::move(key), std::move(kid)};
}

// The members that RFC 7638 §3.2 hashes, in lexicographic order.
Json required_members(const crypto::PublicKey& key) {
  const PublicKeyComponents parts = key.components();
  const KeyForm& form = form_of(parts.kind);
  Json object = Json::object();
  if (!form.crv.empty()) object["crv"] = std::string(form.crv);
  const auto write = [&](const KeyForm::Number& number) {
    if (!number.member.empty()) {
      object[std::string(number.member)] = encode_base64url(parts.*number.bytes);
    }
  };
  // "e" < "kty" < "n"; "kty" < "x" < "y".
  if (form.numbers[0].member < "kty") write(form.numbers[0]);
  object["kty"] = std::string(form.kty);
  if (form.numbers[0].member > "kty") write(form.numbers[0]);
  write(form.numbers[1]);
  return object;
}

Json document_of(const Jwk& jwk) {
  Json object = required_members(jwk.key);
  object["alg"] = std::string(jwk.algorithm().jose_name);
  object["use"] = "sig";
  if (!jwk.kid.empty()) object["kid"] = jwk.kid;
  std::vector<std::string> names;
  for (const auto& member : object.items()) names.push_back(member.key());
  std::ranges::sort(names);
  Json sorted = Json::object();
  for (const std::string& name : names) sorted[name] = object[name];
  return sorted;
}

}  // namespace

Result<Jwk> parse_jwk(std::string_view json) {
  CS_TRY(const Json object, parse_json(json, {.bytes_max = jwk_bytes_max, .depth_max = depth_max}));
  return read_jwk(object);
}

std::string to_json(const Jwk& jwk) {
  return to_text(document_of(jwk));
}

std::string thumbprint(const crypto::PublicKey& key) {
  return encode_base64url(crypto::sha256(as_bytes(to_text(required_members(key)))));
}

Result<JwkSet> JwkSet::parse(std::string_view json) {
  CS_TRY(const Json document,
         parse_json(json, {.bytes_max = jwk_set_bytes_max, .depth_max = depth_max + 2}));
  if (!has_member(document, "keys") || !document.find("keys")->is_array()) {
    return bad_set("the key set has no array of keys");
  }
  const Json& keys = *document.find("keys");
  if (keys.size() > jwk_set_keys_max) return bad_set("the key set holds too many keys");
  JwkSet set;
  for (const Json& member : keys) {
    Result<Jwk> jwk = read_jwk(member);
    if (!jwk && jwk.error().code == "jose.key_not_supported") continue;
    if (!jwk) return bad_set("the key set holds a key that is not sound", jwk.error().for_log());
    CS_CHECK(set.add(*std::move(jwk)));
  }
  return set;
}

Result<void> JwkSet::add(Jwk jwk) {
  if (keys_.size() >= jwk_set_keys_max) return bad_set("the key set holds too many keys");
  const bool taken = std::ranges::any_of(keys_, [&](const Jwk& other) {
    return other.kid == jwk.kid && &other.algorithm() == &jwk.algorithm() &&
           (!jwk.kid.empty() || other.key == jwk.key);
  });
  if (taken) return bad_set("the key set holds two keys of one kid and algorithm", jwk.kid);
  keys_.push_back(std::move(jwk));
  return {};
}

const Jwk* JwkSet::find(std::string_view kid, const crypto::SignatureAlgorithm& algorithm) const {
  const Jwk* found = nullptr;
  for (const Jwk& jwk : keys_) {
    if (&jwk.algorithm() != &algorithm || (!kid.empty() && jwk.kid != kid)) continue;
    if (found != nullptr) return nullptr;  // only an empty kid can meet two
    found = &jwk;
  }
  return found;
}

std::string JwkSet::to_json() const {
  Json keys = Json::array();
  for (const Jwk& jwk : keys_) keys.push_back(document_of(jwk));
  Json document = Json::object();
  document["keys"] = std::move(keys);
  return to_text(document);
}

}  // namespace countersign::jose
