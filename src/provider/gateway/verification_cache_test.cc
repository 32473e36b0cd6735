#include "provider/gateway/verification_cache.h"

#include <string>

#include <gtest/gtest.h>

#include "provider/schemes/scheme.h"

namespace countersign::provider {
namespace {

// A principal without a proof: only a scheme can make one, so the test is one.
class TestScheme final : public Scheme {
 public:
  static PrincipalPtr principal(std::string token_id) {
    PrincipalFacts facts;
    facts.client = std::make_shared<const ClientEntry>();
    facts.token_id = std::move(token_id);
    return make_principal(std::move(facts));
  }
  protocol::Verdict<PrincipalPtr> verify(const SchemeRow&, Evidence&) const override {
    return PrincipalPtr();
  }
  protocol::Verdict<PrincipalPtr> renew(const Principal&, const RegistryView&) const override {
    return PrincipalPtr();
  }
};

std::string token(int number, size_t bytes = 700) {
  std::string text = "token-" + std::to_string(number) + "-";
  text.resize(bytes, 'x');
  text += std::to_string(number);
  return text;
}

void put(VerificationCache& cache, int number) {
  cache.put(token(number), TestScheme::principal(std::to_string(number)));
}

TEST(VerificationCache, FindsWhatWasPutAndNothingElse) {
  VerificationCache cache(10);
  EXPECT_EQ(cache.find(token(1)), nullptr);
  put(cache, 1);
  ASSERT_NE(cache.find(token(1)), nullptr);
  EXPECT_EQ(cache.find(token(1))->principal->token_id(), "1");
  EXPECT_EQ(cache.find(token(1))->registry_version, 0u);
  EXPECT_EQ(cache.find(token(2)), nullptr);
  EXPECT_EQ(cache.find(""), nullptr);
  EXPECT_EQ(cache.find(token(1) + " "), nullptr);
  EXPECT_EQ(cache.find(token(1).substr(1)), nullptr);
}

TEST(VerificationCache, ComparesEveryByteOfARecentCredential) {
  VerificationCache cache(10);
  for (const size_t bytes : {1u, 7u, 8u, 9u, 31u, 700u}) {
    std::string credential(bytes, 'a');
    cache.put(credential, TestScheme::principal("a"));
    for (size_t at = 0; at < bytes; ++at) {
      credential[at] ^= 1;
      EXPECT_EQ(cache.find(credential), nullptr) << bytes << " at " << at;
      credential[at] ^= 1;
    }
    EXPECT_NE(cache.find(credential), nullptr);
  }
}

TEST(VerificationCache, NeverHoldsMoreThanItsCapacity) {
  VerificationCache cache(100);
  for (int i = 0; i < 1000; ++i) {
    put(cache, i);
    EXPECT_LE(cache.size(), 100u);
    EXPECT_NE(cache.find(token(i)), nullptr);
  }
  int found = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto* entry = cache.find(token(i));
    if (entry == nullptr) continue;
    ++found;
    EXPECT_EQ(entry->principal->token_id(), std::to_string(i));
  }
  EXPECT_EQ(found, 100);
}

TEST(VerificationCache, KeepsWhatIsUsed) {
  VerificationCache cache(10);
  put(cache, 0);
  for (int i = 1; i < 200; ++i) {
    put(cache, i);
    ASSERT_NE(cache.find(token(0)), nullptr) << "dropped after " << i;
  }
}

TEST(VerificationCache, ADroppedCredentialIsNotRecognisedByItsBytes) {
  VerificationCache cache(1);
  put(cache, 1);
  ASSERT_NE(cache.find(token(1)), nullptr);
  put(cache, 2);
  EXPECT_EQ(cache.find(token(1)), nullptr);
  EXPECT_EQ(cache.find(token(2))->principal->token_id(), "2");
}

TEST(VerificationCache, PuttingAgainReplaces) {
  VerificationCache cache(10);
  put(cache, 1);
  cache.find(token(1))->registry_version = 7;
  cache.put(token(1), TestScheme::principal("new"));
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(cache.find(token(1))->principal->token_id(), "new");
  EXPECT_EQ(cache.find(token(1))->registry_version, 0u);
}

TEST(VerificationCache, HoldsLongCredentialsByTheirDigest) {
  VerificationCache cache(10);
  const std::string credential = token(1, 6000);
  cache.put(credential, TestScheme::principal("1"));
  EXPECT_NE(cache.find(credential), nullptr);
  EXPECT_NE(cache.find(credential), nullptr);
}

TEST(VerificationCache, ClearForgetsEverything) {
  VerificationCache cache(10);
  put(cache, 1);
  cache.clear();
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.find(token(1)), nullptr);
  put(cache, 1);
  EXPECT_NE(cache.find(token(1)), nullptr);
}

TEST(VerificationCache, APrincipalInUseOutlivesItsEntry) {
  VerificationCache cache(1);
  put(cache, 1);
  const PrincipalPtr kept = cache.find(token(1))->principal;
  put(cache, 2);
  EXPECT_EQ(kept->token_id(), "1");
}

}  // namespace
}  // namespace countersign::provider
