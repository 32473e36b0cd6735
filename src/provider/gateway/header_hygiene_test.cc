#include "provider/gateway/header_hygiene.h"

#include <gtest/gtest.h>

namespace countersign::provider {
namespace {

// Identity fields from outside, under every name and spelling.
TEST(HeaderHygiene, TakesIdentityFieldsInEverySpelling) {
  for (const char* name : {"Countersign-Client",
                           "countersign-client",
                           "COUNTERSIGN-CLIENT",
                           "Countersign_Client",
                           "countersign.client",
                           "Countersign-Client_",
                           "Countersign-",
                           "Countersign-Decision-Id",
                           "X-Client-Id",
                           "x_client_id",
                           "X-Client_Id",
                           "X-Client-Cert",
                           "X-Client-CN",
                           "X-Forwarded-For",
                           "x_forwarded_for",
                           "X-Forwarded-Client-Cert",
                           "X-Forwarded-User",
                           "X-Forwarded",
                           "Forwarded",
                           "FORWARDED",
                           "Client-Cert",
                           "Client_Cert",
                           "Client-Cert-Chain",
                           "XFCC",
                           "X-Real-IP",
                           "True-Client-IP",
                           "X-SSL-Client-Cert",
                           "SSL-Client-Verify",
                           "X-Auth-Request-User",
                           "Remote-User",
                           "REMOTE_USER",
                           "X-Remote-User",
                           "X-Original-URL",
                           "X-Rewrite-URL",
                           "X-Envoy-External-Address",
                           "X-User",
                           "X-User-Id",
                           "Proxy"}) {
    EXPECT_TRUE(is_identity_field(name)) << name;
  }
}

TEST(HeaderHygiene, TakesCredentials) {
  for (const char* name : {"Authorization", "authorization", "Proxy-Authorization", "X-Api-Key",
                           "x_api_key", "DPoP"}) {
    EXPECT_TRUE(is_identity_field(name)) << name;
  }
}

TEST(HeaderHygiene, TakesWhatWouldPassAPostAsAGet) {
  for (const char* name : {"X-HTTP-Method-Override", "X-Http-Method", "X-Method-Override"}) {
    EXPECT_TRUE(is_identity_field(name)) << name;
  }
}

TEST(HeaderHygiene, TakesNamesThatBeginOddly) {
  for (const char* name : {"", "_Forwarded", "-x", "1x", "!x"}) {
    EXPECT_TRUE(is_identity_field(name)) << name;
  }
}

TEST(HeaderHygiene, LetsOrdinaryFieldsPass) {
  for (const char* name :
       {"Accept",          "Accept-Encoding",
        "Content-Type",    "Content-Digest",
        "Idempotency-Key", "User-Agent",
        "Cookie",          "If-Match",
        "X-Request-Id",    "X-Correlation-Id",
        "Client",          "Counter",
        "Countersign",     "Via",
        "Forward",         "Forwardeds",
        "XFCCs",           "Prefer",
        "Remote",          "X-Forwar",
        "X-Clientele",     "X-A-Very-Long-Name-That-Is-Longer-Than-Any-Row-Of-The-Table"}) {
    EXPECT_FALSE(is_identity_field(name)) << name;
  }
}

TEST(HeaderHygiene, ALongNameIsStillFoundByItsBeginning) {
  EXPECT_TRUE(is_identity_field("Countersign-" + std::string(200, 'a')));
}

TEST(HeaderHygiene, ComparesOneConfiguredNameInAnySpelling) {
  EXPECT_TRUE(same_field_in_any_spelling("x_acme-key", "X-Acme-Key"));
  EXPECT_FALSE(same_field_in_any_spelling("X-Acme-Keys", "X-Acme-Key"));
  EXPECT_FALSE(same_field_in_any_spelling("", "X-Acme-Key"));
}

TEST(HeaderHygiene, TraceparentIsOfExactlyOneForm) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_TRUE(is_traceparent(good));
  for (const char* bad : {"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                          "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                          "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                          "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01"}) {
    EXPECT_FALSE(is_traceparent(bad)) << bad;
  }
}

}  // namespace
}  // namespace countersign::provider
