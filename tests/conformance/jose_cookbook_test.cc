// The JOSE cookbook (RFC 7520) and its Ed25519 companion. Of its signatures only the Ed25519 one is
// of an algorithm that we have; the others (RS256, PS384, ES512, HS256, b64) must be refused, and
// so must its private and symmetric keys.

#include <gtest/gtest.h>

#include "jose/jws.h"
#include "vectors.h"

namespace countersign::jose {
namespace {

using countersign::testing::text_of;

JwsRules all_algorithms() {
  return {.algorithms = {&crypto::es256, &crypto::ps256, &crypto::eddsa}};
}

std::string verify_code(const Json& example) {
  const auto jws = verify_jws(text_of(example.at("output"), "compact"), JwkSet(), all_algorithms());
  return jws ? "" : jws.error().code;
}

std::string parse_code(const Json& key) {
  const auto jwk = parse_jwk(to_text(key));
  return jwk ? "" : jwk.error().code;
}

TEST(JoseCookbook, Ed25519) {
  CS_VECTORS(example, "jose-cookbook/curve25519/jws.json");
  Json key = example.at("input").at("key");
  EXPECT_EQ(parse_code(key), "jose.bad_jwk");  // it is the whole pair
  key.erase("d");
  const Jwk jwk = parse_jwk(to_text(key)).value();
  const auto jws = verify_jws(text_of(example.at("output"), "compact"), jwk.key, all_algorithms());
  ASSERT_TRUE(jws.has_value()) << jws.error().for_log();
  EXPECT_EQ(as_text(jws->payload()), text_of(example.at("input"), "payload"));
}

TEST(JoseCookbook, AlgorithmsThatAreNotOursAreRefused) {
  for (const char* file : {"4_1.rsa_v15_signature", "4_2.rsa-pss_signature", "4_3.ecdsa_signature",
                           "4_4.hmac-sha2_integrity_protection"}) {
    CS_VECTORS(example, std::string("jose-cookbook/jws/") + file + ".json");
    EXPECT_EQ(verify_code(example), "jose.alg_not_allowed") << file;
  }
}

TEST(JoseCookbook, DetachedContentIsRefused) {
  CS_VECTORS(example, "jose-cookbook/jws/4_5.signature_with_detached_content.json");
  EXPECT_EQ(verify_code(example), "jose.alg_not_allowed");
}

// RFC 7797 §3: a payload that is not base64url.
TEST(JoseCookbook, UnencodedPayloadIsRefused) {
  CS_VECTORS(example, "jose-cookbook/rfc7797/4.2.hmac-sha2_b64_false.json");
  const std::string header = text_of(example.at("signing"), "protected_b64u");
  const auto jws = verify_jws(header + ".eA.eA", JwkSet(), all_algorithms());
  ASSERT_FALSE(jws.has_value());
  EXPECT_EQ(jws.error().code, "jose.header_refused");
}

TEST(JoseCookbook, EncryptedTextsAreRefused) {
  for (const char* file :
       {"5_2.key_encryption_using_rsa-oaep_with_aes-gcm",
        "5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2", "5_9.compressed_content"}) {
    CS_VECTORS(example, std::string("jose-cookbook/jwe/") + file + ".json");
    EXPECT_EQ(verify_code(example), "jose.malformed") << file;
  }
}

TEST(JoseCookbook, RsaPublicKey) {
  CS_VECTORS(key, "jose-cookbook/jwk/3_3.rsa_public_key.json");
  const Jwk jwk = parse_jwk(to_text(key)).value();
  EXPECT_EQ(jwk.kid, text_of(key, "kid"));
  EXPECT_EQ(encode_base64url(jwk.key.components().modulus), text_of(key, "n"));
}

TEST(JoseCookbook, PrivateSymmetricAndOtherKeysAreRefused) {
  for (const auto& [file, code] : {std::pair("3_1.ec_public_key", "jose.key_not_supported"),
                                   std::pair("3_2.ec_private_key", "jose.bad_jwk"),
                                   std::pair("3_4.rsa_private_key", "jose.bad_jwk"),
                                   std::pair("3_5.symmetric_key_mac_computation", "jose.bad_jwk"),
                                   std::pair("3_6.symmetric_key_encryption", "jose.bad_jwk")}) {
    CS_VECTORS(key, std::string("jose-cookbook/jwk/") + file + ".json");
    EXPECT_EQ(parse_code(key), code) << file;
  }
}

}  // namespace
}  // namespace countersign::jose
