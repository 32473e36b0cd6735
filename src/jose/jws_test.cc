#include "jose/jws.h"

#include <gtest/gtest.h>

#include "jose/test_tokens.h"

namespace countersign::jose {
namespace {

using namespace testing;

JwsRules all_algorithms() {
  return {.algorithms = {&crypto::es256, &crypto::ps256, &crypto::eddsa}};
}

std::string verify_header(std::string_view header) {
  return code_of(verify_jws(sign_raw(header, "x"), keys(), all_algorithms()));
}

TEST(Jws, VerifiesWhatItSigned) {
  for (const crypto::SignatureAlgorithm* algorithm : crypto::signature_algorithms()) {
    const std::string compact =
        sign_jws(as_bytes("pay load"), key_of(*algorithm), "k1", "t").value();
    const auto jws = verify_jws(compact, keys(), all_algorithms());
    ASSERT_TRUE(jws.has_value()) << jws.error().for_log();
    EXPECT_EQ(as_text(jws->payload()), "pay load");
    EXPECT_EQ(jws->header().algorithm, algorithm);
    EXPECT_EQ(jws->header().kid, "k1");
    EXPECT_EQ(jws->header().typ, "t");
    EXPECT_EQ(code_of(verify_jws(compact, key_of(*algorithm).public_key(), all_algorithms())), "");
  }
}

TEST(Jws, TakesAnEmptyPayload) {
  const std::string compact = sign_jws({}, key(), "k1", "").value();
  EXPECT_NE(compact.find(".."), std::string::npos);
  EXPECT_TRUE(verify_jws(compact, keys(), all_algorithms()).value().payload().empty());
}

TEST(Jws, NeedsExactlyThreeParts) {
  for (const std::string_view compact :
       {"", ".", "..", "a.b", "a.b.c.d", "a.b.c.d.e", ".b.c", "a.b."}) {
    EXPECT_EQ(code_of(verify_jws(compact, keys(), all_algorithms())), "jose.malformed") << compact;
  }
}

TEST(Jws, NeedsASoundHeader) {
  EXPECT_EQ(verify_header(header_json()), "");
  for (const std::string_view header :
       {"", "null", "[]", "{", "{}", R"({"alg":null})", R"({"alg":["ES256"]})",
        R"({"alg":"ES256","kid":1})", R"({"alg":"ES256","typ":[]})",
        R"({"alg":"ES256","alg":"ES256"})"}) {
    const std::string code = verify_header(header);
    EXPECT_EQ(code, header.empty() ? "jose.malformed" : "jose.bad_header") << header;
  }
  EXPECT_EQ(verify_header(header_json("ES256", R"(,"x":")" + std::string(3000, 'x') + "\"")),
            "jose.bad_header");
}

TEST(Jws, UsesOnlyAlgorithmsThatItsCallerAllows) {
  const std::string compact = sign_jws(as_bytes("x"), key(), "k1", "").value();
  EXPECT_EQ(code_of(verify_jws(compact, keys(), {.algorithms = {}})), "jose.alg_not_allowed");
  EXPECT_EQ(code_of(verify_jws(compact, keys(), {.algorithms = {&crypto::ps256}})),
            "jose.alg_not_allowed");
  EXPECT_EQ(code_of(verify_jws(compact, keys(), {.algorithms = {&crypto::es256}})), "");
}

TEST(Jws, RefusesTheKeyOfAnotherAlgorithm) {
  EXPECT_EQ(verify_header(header_json("EdDSA")), "jose.bad_signature");
  const std::string compact = sign_raw(header_json("EdDSA"), "x");
  EXPECT_EQ(code_of(verify_jws(compact, key().public_key(), all_algorithms())), "jose.key_unknown");
}

TEST(Jws, FindsTheKeyByKidOrRefuses) {
  EXPECT_EQ(verify_header(R"({"alg":"ES256","kid":"k2"})"), "jose.key_unknown");
  EXPECT_EQ(verify_header(R"({"alg":"ES256","kid":"k1 "})"), "jose.key_unknown");
  EXPECT_EQ(verify_header(R"({"alg":"ES256"})"), "");  // the one P-256 key
  JwkSet two = keys();
  ASSERT_TRUE(two.add({crypto::PrivateKey::generate(crypto::es256).value().public_key(), "k2"})
                  .has_value());
  EXPECT_EQ(code_of(verify_jws(sign_raw(R"({"alg":"ES256"})", "x"), two, all_algorithms())),
            "jose.key_unknown");
}

TEST(Jws, RefusesEveryChangedCharacter) {
  const std::string compact = sign_jws(as_bytes("payload"), key(), "k1", "at+jwt").value();
  for (size_t i = 0; i < compact.size(); ++i) {
    std::string changed = compact;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(code_of(verify_jws(changed, keys(), all_algorithms())), "") << i;
  }
}

}  // namespace
}  // namespace countersign::jose
