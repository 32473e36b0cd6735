#include "crypto/key.h"

#include <map>
#include <thread>

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/openssl.h"

namespace countersign::crypto {
namespace {

std::string code_of(const auto& result) {
  return result ? "" : result.error().code;
}

// Two keys of each algorithm, made once: RSA takes its time.
const PrivateKey& key_of(const SignatureAlgorithm& algorithm, bool other = false) {
  static std::map<std::pair<const SignatureAlgorithm*, bool>, PrivateKey> made;
  const std::pair name(&algorithm, other);
  if (!made.contains(name)) made.emplace(name, PrivateKey::generate(algorithm).value());
  return made.at(name);
}

// A PEM of OpenSSL's own making, for what PrivateKey would not generate.
Secret pem_of(EVP_PKEY* pkey, const char* passphrase = nullptr) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(
                bio.get(), pkey, passphrase == nullptr ? nullptr : EVP_aes_256_cbc(), passphrase,
                passphrase == nullptr ? 0 : static_cast<int>(std::string_view(passphrase).size()),
                nullptr, nullptr),
            1);
  return Secret::take(text_of(bio.get()));
}

class EachAlgorithm : public ::testing::TestWithParam<const SignatureAlgorithm*> {
 protected:
  const SignatureAlgorithm& algorithm_ = *GetParam();
  const PrivateKey& key_ = key_of(algorithm_);
  const ByteView data_ = as_bytes("amount=1000");
};

TEST_P(EachAlgorithm, VerifiesItsOwnSignatureAndNothingElse) {
  Bytes signature = key_.sign(data_).value();
  const PublicKey& key = key_.public_key();
  EXPECT_EQ(code_of(key.verify(algorithm_, data_, signature)), "");
  EXPECT_EQ(code_of(key.verify(algorithm_, as_bytes("amount=9000"), signature)),
            "crypto.bad_signature");
  EXPECT_EQ(
      code_of(key_of(algorithm_, /*other=*/true).public_key().verify(algorithm_, data_, signature)),
      "crypto.bad_signature");
  EXPECT_EQ(code_of(key.verify(algorithm_, data_, {})), "crypto.bad_signature");
  EXPECT_EQ(code_of(key.verify(algorithm_, data_, ByteView(signature).first(signature.size() - 1))),
            "crypto.bad_signature");
  signature.push_back(0);
  EXPECT_EQ(code_of(key.verify(algorithm_, data_, signature)), "crypto.bad_signature");
  signature.pop_back();
  signature[signature.size() / 2] ^= 1;
  EXPECT_EQ(code_of(key.verify(algorithm_, data_, signature)), "crypto.bad_signature");
}

TEST_P(EachAlgorithm, RefusesEveryOtherAlgorithm) {
  const Bytes signature = key_.sign(data_).value();
  for (const SignatureAlgorithm* other : signature_algorithms()) {
    if (other == &algorithm_) continue;
    EXPECT_EQ(code_of(key_.public_key().verify(*other, data_, signature)),
              "crypto.algorithm_mismatch");
  }
}

TEST_P(EachAlgorithm, SurvivesPem) {
  const PrivateKey again = PrivateKey::from_pem(key_.to_pem()).value();
  EXPECT_EQ(again.public_key(), key_.public_key());
  const PublicKey key = PublicKey::from_pem(key_.public_key().to_pem()).value();
  EXPECT_EQ(key, key_.public_key());
  EXPECT_EQ(&key.algorithm(), &algorithm_);
  EXPECT_EQ(code_of(key.verify(algorithm_, data_, again.sign(data_).value())), "");
}

TEST_P(EachAlgorithm, SurvivesItsComponents) {
  const PublicKey again = PublicKey::from_components(key_.public_key().components()).value();
  EXPECT_EQ(again, key_.public_key());
}

TEST_P(EachAlgorithm, SignsAndVerifiesOnManyThreadsAtATime) {
  std::vector<std::jthread> threads;
  std::vector<int> good(4, 0);
  for (int& count : good) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        const auto signature = key_.sign(data_);
        count += signature && key_.public_key().verify(algorithm_, data_, *signature) ? 1 : 0;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(good, std::vector<int>(4, 5));
}

TEST_P(EachAlgorithm, AFailedCheckLeavesNothingInOpensslsErrorQueue) {
  EXPECT_FALSE(key_.public_key().verify(algorithm_, data_, Bytes(64, 1)).has_value());
  EXPECT_FALSE(PublicKey::from_pem("nonsense").has_value());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Key, EachAlgorithm,
                         ::testing::ValuesIn(signature_algorithms().begin(),
                                             signature_algorithms().end()),
                         [](const auto& info) { return std::string(info.param->jose_name); });

TEST(PrivateKey, ReadsAnEncryptedFileWithItsPassphraseOnly) {
  const PrivateKey& key = key_of(es256);
  const Secret pem = pem_of(key.native(), "open sesame");
  EXPECT_EQ(code_of(PrivateKey::from_pem(pem, Secret::copy_of("open sesame"))), "");
  EXPECT_EQ(code_of(PrivateKey::from_pem(pem, Secret::copy_of("wrong"))), "crypto.bad_key");
  EXPECT_EQ(code_of(PrivateKey::from_pem(pem)), "crypto.bad_key");
  EXPECT_EQ(code_of(PrivateKey::from_pem(pem, Secret::copy_of(std::string(5000, 'x')))),
            "crypto.bad_key");
}

TEST(PrivateKey, RefusesWhatIsNoPrivateKey) {
  const PrivateKey& key = key_of(es256);
  EXPECT_EQ(code_of(PrivateKey::from_pem(Secret{})), "crypto.bad_key");
  EXPECT_EQ(code_of(PrivateKey::from_pem(Secret::copy_of("-----BEGIN PRIVATE KEY-----\nAAAA\n"))),
            "crypto.bad_key");
  EXPECT_EQ(code_of(PrivateKey::from_pem(Secret::copy_of(key.public_key().to_pem()))),
            "crypto.bad_key");
  EXPECT_EQ(code_of(PrivateKey::from_pem(Secret::copy_of(std::string(70'000, 'x')))),
            "crypto.bad_key");
}

TEST(PrivateKey, RefusesKeysThatAreTooWeakOrOfAnotherKind) {
  const PkeyPtr short_rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{1024}));
  const PkeyPtr p384(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384"));
  const PkeyPtr x25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  for (const PkeyPtr* key : {&short_rsa, &p384, &x25519}) {
    EXPECT_EQ(code_of(PrivateKey::from_pem(pem_of(key->get()))), "crypto.key_not_supported");
  }
}

TEST(PublicKey, RefusesAPointThatIsNotOnTheCurve) {
  PublicKeyComponents parts = key_of(es256).public_key().components();
  parts.y[31] ^= 1;
  EXPECT_EQ(code_of(PublicKey::from_components(parts)), "crypto.bad_key");
  parts.x.assign(32, 0);
  parts.y.assign(32, 0);
  EXPECT_EQ(code_of(PublicKey::from_components(parts)), "crypto.bad_key");
  parts.x.assign(32, 0xff);
  EXPECT_EQ(code_of(PublicKey::from_components(parts)), "crypto.bad_key");
}

TEST(PublicKey, RefusesCoordinatesOfAnotherLength) {
  const PublicKeyComponents good = key_of(es256).public_key().components();
  PublicKeyComponents parts = good;
  parts.x.insert(parts.x.begin(), 0);
  EXPECT_EQ(code_of(PublicKey::from_components(parts)), "crypto.bad_key");
  parts = good;
  parts.y.pop_back();
  EXPECT_EQ(code_of(PublicKey::from_components(parts)), "crypto.bad_key");
  PublicKeyComponents okp = key_of(eddsa).public_key().components();
  okp.x.push_back(0);
  EXPECT_EQ(code_of(PublicKey::from_components(okp)), "crypto.bad_key");
}

PublicKeyComponents rsa_of(size_t bytes, Bytes exponent) {
  PublicKeyComponents parts;
  parts.kind = KeyKind::rsa;
  parts.modulus.assign(bytes, 0xff);
  parts.exponent = std::move(exponent);
  return parts;
}

TEST(PublicKey, TakesRsaFrom2048To8192Bits) {
  EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(256, {1, 0, 1}))), "");
  EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(1024, {1, 0, 1}))), "");
  EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(255, {1, 0, 1}))),
            "crypto.key_not_supported");
  EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(1025, {1, 0, 1}))), "crypto.bad_key");
  EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(0, {1, 0, 1}))), "crypto.bad_key");
}

TEST(PublicKey, RefusesOddRsaExponents) {
  EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(256, {3}))), "");
  EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(256, {0xff, 0xff, 0xff, 0xff}))), "");
  for (const Bytes& exponent :
       {Bytes{1}, Bytes{2}, Bytes{1, 0, 0}, Bytes{1, 0, 0, 0, 1}, Bytes{0}}) {
    EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(256, exponent))),
              "crypto.key_not_supported");
  }
  EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(256, {}))), "crypto.bad_key");
  EXPECT_EQ(code_of(PublicKey::from_components(rsa_of(256, Bytes(6, 1)))), "crypto.bad_key");
}

TEST(PublicKey, RefusesTrailingBytesBehindTheSpki) {
  Bytes spki = der_of(key_of(es256).public_key().native(), i2d_PUBKEY);
  EXPECT_EQ(code_of(PublicKey::from_spki(spki)), "");
  spki.push_back(0);
  EXPECT_EQ(code_of(PublicKey::from_spki(spki)), "crypto.bad_key");
  EXPECT_EQ(code_of(PublicKey::from_spki({})), "crypto.bad_key");
}

TEST(PublicKey, RefusesACurveSpelledOutInNumbers) {
  const PrivateKey& key = key_of(es256);
  PkeyPtr copy(EVP_PKEY_dup(key.native()));
  ASSERT_EQ(EVP_PKEY_set_utf8_string_param(copy.get(), "encoding", "explicit"), 1);
  const Bytes spki = der_of(copy.get(), i2d_PUBKEY);
  EXPECT_EQ(code_of(PublicKey::from_spki(spki)), "crypto.key_not_supported");
}

TEST(SignatureAlgorithm, IsFoundByItsExactNameOnly) {
  EXPECT_EQ(find_signature_algorithm("ES256"), &es256);
  EXPECT_EQ(find_signature_algorithm("PS256"), &ps256);
  EXPECT_EQ(find_signature_algorithm("EdDSA"), &eddsa);
  for (const std::string_view name : {"", "none", "None", "es256", "HS256", "RS256", "ES256 "}) {
    EXPECT_EQ(find_signature_algorithm(name), nullptr) << name;
  }
}

}  // namespace
}  // namespace countersign::crypto
