// Project Wycheproof's vectors for what crypto/ offers. Each test says at its head which cases are
// not ours and why; the counts at its end show that nothing was skipped by accident.

#include <functional>

#include <gtest/gtest.h>

#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "crypto/key_state.h"
#include "vectors.h"

namespace countersign::crypto {
namespace {

using countersign::testing::text_of;

Bytes hex_of(const Json& object, const char* name) {
  return decode_hex(text_of(object, name)).value();
}

struct Counts {
  int valid = 0;
  int invalid = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};

// Every case of the groups that `make_check` takes: it gives null for a group that is not ours.
using Check = std::function<bool(const Json& test)>;
Counts run(const Json& document, const std::function<Check(const Json& group)>& make_check) {
  Counts counts;
  for (const Json& group : document.at("testGroups")) {
    const Check check = make_check(group);
    if (!check) continue;
    for (const Json& test : group.at("tests")) {
      const std::string result = text_of(test, "result");
      EXPECT_NE(result, "acceptable");
      EXPECT_EQ(check(test), result == "valid") << "tcId " << test.at("tcId");
      ++(result == "valid" ? counts.valid : counts.invalid);
    }
  }
  return counts;
}

PublicKey key_in(const Json& group) {
  return PublicKey::from_pem(text_of(group, "publicKeyPem")).value();
}

// Signatures as JOSE writes them.
Check verifier(const Json& group) {
  return [key = key_in(group)](const Json& test) {
    return key.verify(key.algorithm(), hex_of(test, "msg"), hex_of(test, "sig")).has_value();
  };
}

TEST(Wycheproof, EcdsaP256InJoseForm) {
  CS_VECTORS(document, "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json");
  EXPECT_EQ(run(document, verifier), (Counts{173, 89}));
}

// DER is not accepted from outside: these cases drive our two conversions. What is not the one DER
// form of its two integers, as raw_signature() reads them, counts as refused.
TEST(Wycheproof, EcdsaP256InDer) {
  CS_VECTORS(document, "wycheproof/ecdsa_secp256r1_sha256_test.json");
  const auto make_check = [](const Json& group) -> Check {
    return [key = key_in(group)](const Json& test) {
      const Bytes der = hex_of(test, "sig");
      const Bytes raw = raw_signature(der, es256.raw_integer_bytes);
      return !raw.empty() && der_signature(raw, es256.raw_integer_bytes) == der &&
             key.verify(es256, hex_of(test, "msg"), raw).has_value();
    };
  };
  EXPECT_EQ(run(document, make_check), (Counts{174, 310}));
}

TEST(Wycheproof, Ed25519) {
  CS_VECTORS(document, "wycheproof/ed25519_test.json");
  EXPECT_EQ(run(document, verifier), (Counts{88, 63}));
}

TEST(Wycheproof, RsaPss2048WithSha256AndSalt32) {
  CS_VECTORS(document, "wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json");
  EXPECT_EQ(run(document, verifier), (Counts{63, 45}));
}

TEST(Wycheproof, RsaPss3072WithSha256AndSalt32) {
  CS_VECTORS(document, "wycheproof/rsa_pss_3072_sha256_mgf1_32_test.json");
  EXPECT_EQ(run(document, verifier), (Counts{63, 45}));
}

// Valid signatures, but with other hashes, other mask functions or other salts than PS256's: only
// exact PS256 may pass.
TEST(Wycheproof, RsaPssWithOtherParametersIsNotPs256) {
  CS_VECTORS(document, "wycheproof/rsa_pss_misc_test.json");
  int refused = 0;
  for (const Json& group : document.at("testGroups")) {
    const bool is_ps256 = text_of(group, "sha") == "SHA-256" && text_of(group, "mgf") == "MGF1" &&
                          text_of(group, "mgfSha") == "SHA-256" && group.at("sLen") == 32;
    const auto key = PublicKey::from_pem(text_of(group, "publicKeyPem"));
    for (const Json& test : group.at("tests")) {
      const bool passes =
          key && key->verify(ps256, hex_of(test, "msg"), hex_of(test, "sig")).has_value();
      EXPECT_EQ(passes, is_ps256) << "tcId " << test.at("tcId");
      refused += passes ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 100);
}

// P-384 is no signature key of ours.
TEST(Wycheproof, EcdsaP384KeysAreRefused) {
  CS_VECTORS(document, "wycheproof/ecdsa_secp384r1_sha384_p1363_test.json");
  for (const Json& group : document.at("testGroups")) {
    const auto key = PublicKey::from_pem(text_of(group, "publicKeyPem"));
    ASSERT_FALSE(key.has_value());
    EXPECT_EQ(key.error().code, "crypto.key_not_supported");
  }
}

// Left out: groups whose tag is cut to 128 bits; a MAC of ours is whole.
TEST(Wycheproof, HmacSha256) {
  CS_VECTORS(document, "wycheproof/hmac_sha256_test.json");
  const auto make_check = [](const Json& group) -> Check {
    if (group.at("tagSize") != 256) return nullptr;
    return [](const Json& test) {
      const HmacKey key(Secret::take(hex_of(test, "key")));
      return key.matches(hex_of(test, "msg"), hex_of(test, "tag"));
    };
  };
  EXPECT_EQ(run(document, make_check), (Counts{33, 54}));
}

// Gives the nonce of the vector.
class FixedEntropy final : public Entropy {
 public:
  explicit FixedEntropy(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<uint8_t> out) override {
    ASSERT_EQ(out.size(), bytes_.size());
    std::ranges::copy(bytes_, out.begin());
  }

 private:
  Bytes bytes_;
};

// Left out: keys of 128 and 192 bits and nonces that are not 96 bits; we use neither.
TEST(Wycheproof, Aes256Gcm) {
  CS_VECTORS(document, "wycheproof/aes_gcm_test.json");
  const auto make_check = [](const Json& group) -> Check {
    if (group.at("keySize") != 256 || group.at("ivSize") != 96 || group.at("tagSize") != 128) {
      return nullptr;
    }
    return [](const Json& test) {
      const AeadKey key = AeadKey::create(Secret::take(hex_of(test, "key"))).value();
      const Bytes nonce = hex_of(test, "iv");
      const Bytes associated = hex_of(test, "aad");
      const Bytes message = hex_of(test, "msg");
      Bytes sealed = nonce;
      for (const char* part : {"ct", "tag"}) {
        const Bytes bytes = hex_of(test, part);
        sealed.insert(sealed.end(), bytes.begin(), bytes.end());
      }
      FixedEntropy entropy(nonce);
      const bool seals_so = key.seal(message, associated, entropy).value() == sealed;
      const auto opened = key.open(sealed, associated);
      return seals_so && opened && std::ranges::equal(opened->unsafe_reveal(), message);
    };
  };
  const Counts counts = run(document, make_check);
  EXPECT_EQ(counts.valid + counts.invalid, 66);
  EXPECT_GT(counts.valid, 30);
  EXPECT_GT(counts.invalid, 20);
}

}  // namespace
}  // namespace countersign::crypto
