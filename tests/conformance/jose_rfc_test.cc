// The RFCs' own examples, retyped.

#include <gtest/gtest.h>

#include "jose/jws.h"
#include "jose/jwt.h"

namespace countersign::jose {
namespace {

JwsRules allow(const crypto::SignatureAlgorithm& algorithm) {
  return {.algorithms = {&algorithm}};
}

TEST(Rfc7515, AppendixA_3Es256) {
  const Jwk jwk = parse_jwk(R"({"kty":"EC","crv":"P-256",
      "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})")
                      .value();
  const std::string compact =
      "eyJhbGciOiJFUzI1NiJ9"
      ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV"
      "l"
      "fQ"
      ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  const auto jws = verify_jws(compact, jwk.key, allow(crypto::es256));
  ASSERT_TRUE(jws.has_value()) << jws.error().for_log();
  EXPECT_EQ(as_text(jws->payload()),
            "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
}

// RFC 7515 §A.5: the example that nobody may accept.
TEST(Rfc7515, AppendixA_5UnsecuredIsRefused) {
  JwkSet keys;
  const auto jws = verify_jws(
      "eyJhbGciOiJub25lIn0"
      ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV"
      "l"
      "fQ.",
      keys, {.algorithms = {&crypto::es256, &crypto::ps256, &crypto::eddsa}});
  ASSERT_FALSE(jws.has_value());
  EXPECT_EQ(jws.error().code, "jose.malformed");
}

// RFC 7515 §A.1 is HMAC: no key of ours verifies it.
TEST(Rfc7515, AppendixA_1Hs256IsRefused) {
  const auto jws = verify_jws(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
      ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV"
      "l"
      "fQ"
      ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      JwkSet(), {.algorithms = {&crypto::es256, &crypto::ps256, &crypto::eddsa}});
  ASSERT_FALSE(jws.has_value());
  EXPECT_EQ(jws.error().code, "jose.alg_not_allowed");
}

TEST(Rfc7638, Section3_1Thumbprint) {
  crypto::PublicKeyComponents parts;
  parts.kind = crypto::KeyKind::rsa;
  parts.exponent = {1, 0, 1};
  parts.modulus = decode_base64url(
                      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxu"
                      "hDR1L6tSoc_BJE"
                      "CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"
                      "65YGjQR0_FDW2Q"
                      "vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
                      "bFTWhAI4vMQFh6"
                      "WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
                      .value();
  const crypto::PublicKey key = crypto::PublicKey::from_components(parts).value();
  EXPECT_EQ(thumbprint(key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

constexpr std::string_view rfc8037_public =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr std::string_view rfc8037_compact =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

TEST(Rfc8037, AppendixA_3Thumbprint) {
  EXPECT_EQ(thumbprint(parse_jwk(rfc8037_public).value().key),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

TEST(Rfc8037, AppendixA_4Signing) {
  // RFC 8410 §7: PKCS #8 of an Ed25519 key is this prefix and the 32 octets of "d".
  Bytes der = decode_hex("302e020100300506032b657004220420").value();
  const Bytes d = decode_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").value();
  der.insert(der.end(), d.begin(), d.end());
  const std::string pem =
      "-----BEGIN PRIVATE KEY-----\n" + encode_base64(der) + "\n-----END PRIVATE KEY-----\n";
  const auto key = crypto::PrivateKey::from_pem(Secret::copy_of(pem)).value();
  EXPECT_EQ(sign_jws(as_bytes("Example of Ed25519 signing"), key, "", "").value(), rfc8037_compact);
}

TEST(Rfc8037, AppendixA_5Validation) {
  const Jwk jwk = parse_jwk(rfc8037_public).value();
  const auto jws = verify_jws(rfc8037_compact, jwk.key, allow(crypto::eddsa));
  ASSERT_TRUE(jws.has_value()) << jws.error().for_log();
  EXPECT_EQ(as_text(jws->payload()), "Example of Ed25519 signing");
}

}  // namespace
}  // namespace countersign::jose
