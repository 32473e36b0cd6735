#include "consumer/journalled_request.h"

#include <gtest/gtest.h>

namespace countersign::consumer {
namespace {

JournalledRequest sample() {
  return {.method = "POST",
          .target = "/v1/payments?x=1",
          .fields = {{"Content-Type", "application/json"}, {"Idempotency-Key", "k"}},
          .body = std::string("{\0}", 3)};
}

TEST(JournalledRequest, ComesBackAsItWas) {
  for (const JournalledRequest& request : {sample(), JournalledRequest{}}) {
    const auto parsed = parse_journalled_request(serialize(request));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->method, request.method);
    EXPECT_EQ(parsed->target, request.target);
    EXPECT_EQ(parsed->fields, request.fields);
    EXPECT_EQ(parsed->body, request.body);
  }
}

TEST(JournalledRequest, IsRefusedCutOffAtAnyByteOrWithMoreBehind) {
  const Bytes whole = serialize(sample());
  for (size_t bytes = 0; bytes < whole.size(); ++bytes)
    EXPECT_FALSE(parse_journalled_request(ByteView(whole).first(bytes))) << bytes;
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(parse_journalled_request(longer));
  Bytes many = serialize({});
  many[8] = 0xff;  // the number of fields
  EXPECT_FALSE(parse_journalled_request(many));
}

TEST(JournalledRequest, ItsDigestTellsMethodTargetAndBodyApart) {
  const auto digest = digest_of("POST", "/a", "b");
  EXPECT_EQ(digest, digest_of("POST", "/a", "b"));
  EXPECT_NE(digest, digest_of("PUT", "/a", "b"));
  EXPECT_NE(digest, digest_of("POST", "/ab", ""));
  EXPECT_NE(digest, digest_of("POST", "/a", "c"));
}

}  // namespace
}  // namespace countersign::consumer
