#include "provider/audit/audit_chain.h"

#include <gtest/gtest.h>

namespace countersign::provider {
namespace {

constexpr std::string_view line = "{\"event\":\"request\"}\n";

TEST(AuditChain, ALineCarriesItsNumberAndHash) {
  ChainWriter chain;
  std::string out;
  chain.append(out, line);
  chain.append(out, line);
  // As `printf '\0…{"event":"request","n":1' | sha256sum` computes them, 32 zero bytes first.
  const auto first = chain_hash({}, R"({"event":"request","n":1)");
  const auto second = chain_hash(first, R"({"event":"request","n":2)");
  EXPECT_EQ(out, R"({"event":"request","n":1,"hash":")" + encode_base64url(first) + "\"}\n" +
                     R"({"event":"request","n":2,"hash":")" + encode_base64url(second) + "\"}\n");
  EXPECT_EQ(chain.head(), (ChainPoint{.number = 2, .hash = second}));
}

TEST(AuditChain, TheHashIsSha256OverTheHashBeforeAndTheContent) {
  Bytes data(32, 0);
  for (const char c : std::string_view("{\"a\":1")) data.push_back(static_cast<uint8_t>(c));
  EXPECT_EQ(chain_hash({}, "{\"a\":1"), crypto::sha256(data));
}

TEST(AuditChain, ReadsALineBackAndNothingElse) {
  ChainWriter chain({.number = 41, .hash = {}});
  std::string out;
  chain.append(out, line);
  out.pop_back();
  const auto parsed = parse_chained_line(out);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->content, R"({"event":"request","n":42)");
  EXPECT_EQ(parsed->point, chain.head());
  const std::string hash = out.substr(out.size() - 45, 43);
  const std::string before = R"({"event":"request")";
  for (const std::string& bad :
       {std::string(), std::string("{}"), out.substr(1), out.substr(0, out.size() - 1), out + " ",
        before + ",\"hash\":\"" + hash + "\"}",                             // no number
        before + ",\"n\":042,\"hash\":\"" + hash + "\"}",                   // a leading zero
        before + ",\"n\":-1,\"hash\":\"" + hash + "\"}",                    // negative
        before + ",\"n\":,\"hash\":\"" + hash + "\"}",                      // none
        before + ",\"n\":4 ,\"hash\":\"" + hash + "\"}",                    // more than digits
        before + ",\"n\":18446744073709551616,\"hash\":\"" + hash + "\"}",  // too large
        before + ",\"n\":42,\"hash\":\"" + hash.substr(1) + "\"}",          // too short
        before + ",\"n\":42,\"hash\":\"" + hash.substr(1) + "=\"}",         // another alphabet
        before + ",\"n\":42,\"HASH\":\"" + hash + "\"}"}) {
    EXPECT_FALSE(parse_chained_line(bad)) << bad;
  }
}

class CheckpointTest : public ::testing::TestWithParam<const crypto::SignatureAlgorithm*> {};

TEST_P(CheckpointTest, IsVerifiedWithItsKeyAndIsOfOneStateOnly) {
  const auto key = crypto::PrivateKey::generate(*GetParam()).value();
  const Checkpoint checkpoint{.file = 3, .previous = {.number = 7, .hash = {1, 2, 3}}};
  const std::string text = write_checkpoint(checkpoint, key, "gw", "2026-01-31T12:00:00Z").value();
  EXPECT_TRUE(is_checkpoint(text));
  const auto parsed = parse_checkpoint(std::string_view(text).substr(0, text.size() - 1));
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(verify_checkpoint(*parsed, key.public_key()));
  EXPECT_EQ(parsed->key_id, checkpoint_key_id(key.public_key()));
  const auto other = crypto::PrivateKey::generate(*GetParam()).value();
  EXPECT_FALSE(verify_checkpoint(*parsed, other.public_key()));
  for (const auto change : {+[](SignedCheckpoint& c) { ++c.checkpoint.file; },
                            +[](SignedCheckpoint& c) { ++c.checkpoint.previous.number; },
                            +[](SignedCheckpoint& c) { c.checkpoint.previous.hash[31] ^= 1; },
                            +[](SignedCheckpoint& c) { c.time[0] = '3'; },
                            +[](SignedCheckpoint& c) { c.signature[0] ^= 1; }}) {
    SignedCheckpoint changed = *parsed;
    change(changed);
    EXPECT_FALSE(verify_checkpoint(changed, key.public_key()));
  }
}
INSTANTIATE_TEST_SUITE_P(Algorithms, CheckpointTest,
                         ::testing::Values(&crypto::eddsa, &crypto::es256));

TEST(CheckpointParser, RefusesWhatLacksAMemberOrHasAnotherType) {
  const auto key = crypto::PrivateKey::generate(crypto::eddsa).value();
  const std::string whole = write_checkpoint({}, key, "gw", "2026-01-31T12:00:00Z").value();
  for (const char* member : {"event", "time", "file", "after", "previous", "key", "signature"}) {
    std::string without = whole;
    without.replace(without.find(std::string("\"") + member + "\"") + 1, 1, "X");
    const auto parsed = parse_checkpoint(without);
    ASSERT_FALSE(parsed) << member;
    EXPECT_EQ(parsed.error().code, "audit.bad_checkpoint");
  }
  EXPECT_FALSE(parse_checkpoint("{\"event\":\"checkpoint\"}"));
  EXPECT_FALSE(parse_checkpoint("nonsense"));
}

}  // namespace
}  // namespace countersign::provider
