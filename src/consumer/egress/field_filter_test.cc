#include "consumer/egress/field_filter.h"

#include <gtest/gtest.h>

namespace countersign::consumer {
namespace {

TEST(FieldFilter, DropsCredentialsAndClaimsInEverySpelling) {
  const FieldFilter filter({"X-Bank-Key"});
  for (const std::string_view name : {"Authorization",
                                      "AUTHORIZATION",
                                      "X-Api-Key",
                                      "x_api_key",
                                      "x.api~key",
                                      "DPoP",
                                      "Signature",
                                      "Signature-Input",
                                      "Cookie",
                                      "Cookie2",
                                      "X-Bank-Key",
                                      "x_bank_key",
                                      "Client-Cert",
                                      "client_cert_chain",
                                      "X-Client-Cert",
                                      "X_Client_DN",
                                      "X-Client-Verify",
                                      "X-SSL-Client-Cert",
                                      "ssl_client_verify",
                                      "X-TLS-Cipher",
                                      "X-Amzn-Mtls-Clientcert",
                                      "X-ARR-ClientCert",
                                      "Forwarded",
                                      "Forwarded-For",
                                      "X-Forwarded-For",
                                      "X-Forwarded-Client-Cert",
                                      "X-Forward-Proto",
                                      "X-Real-IP",
                                      "Client-IP",
                                      "True-Client-IP",
                                      "CF-Connecting-IP",
                                      "X-Cluster-Client-IP",
                                      "Remote-User",
                                      "X-Remote-User",
                                      "X-Auth-User",
                                      "X-Authenticated-User",
                                      "X-HTTP-Method-Override",
                                      "X-HTTP-Method",
                                      "X-Method-Override",
                                      "X-Original-URL",
                                      "X-Rewrite-URL",
                                      "X-Host",
                                      "traceparent",
                                      "TraceState",
                                      "Baggage",
                                      "Countersign-Client",
                                      "countersign_client",
                                      "Proxy",
                                      "Proxy-Authorization",
                                      "Alt-Used",
                                      "Early-Data",
                                      "Host",
                                      "Origin",
                                      "-Authorization",
                                      "_x",
                                      "1st",
                                      ""}) {
    EXPECT_FALSE(filter.request_passes(name)) << name;
  }
}

TEST(FieldFilter, PassesWhatIsTheCallsOwn) {
  const FieldFilter filter;
  for (const std::string_view name :
       {"Accept", "Content-Type", "Content-Digest", "Idempotency-Key", "User-Agent", "X-Request-Id",
        "X-Client-Request-Id", "X-Client-Version", "X", "X-", "If-Match", "Prefer", "Trace",
        "Range", "Referer", "Author", "X-Bank-Key", "Cook"}) {
    EXPECT_TRUE(filter.request_passes(name)) << name;
  }
}

TEST(ResponseFields, DropsWhatIsAboutTheUpstreamsAddress) {
  for (const std::string_view name :
       {"Set-Cookie", "Set-Cookie2", "set_cookie", "Alt-Svc", "Strict-Transport-Security",
        "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Expect-CT", "Clear-Site-Data", "NEL",
        "Report-To", "Reporting-Endpoints", "Countersign-Outcome", "countersign_attempts", ""}) {
    EXPECT_FALSE(response_field_passes(name)) << name;
  }
  for (const std::string_view name :
       {"WWW-Authenticate", "Content-Type", "Location", "Retry-After", "ETag", "Server", "Date",
        "Countersign-Reason", "Countersign-Decision-Id", "Idempotent-Replayed", "Link"}) {
    EXPECT_TRUE(response_field_passes(name)) << name;
  }
}

}  // namespace
}  // namespace countersign::consumer
