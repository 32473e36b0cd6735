// What passes through the egress, and what it refuses. What becomes of a call whose connection
// breaks is in egress_outcome_test.cc.

#include "consumer/egress/egress_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consumer/egress/egress_test_fixture.h"

namespace countersign::consumer {
namespace {

using namespace std::chrono_literals;
using testing::FakeExchange;
using ::testing::HasSubstr;
using ::testing::Not;

class EgressServiceTest : public EgressTest {};

TEST_F(EgressServiceTest, ForwardsACallWithTheCredentialAdded) {
  upstream_.then(
      {.status = 201, .fields = {{"Content-Type", "application/json"}}, .body = R"({"id":1})"});
  FakeExchange exchange("POST", "/acme/v1/payments?dry=1");
  exchange.field("Host", "localhost:8080")
      .field("Content-Type", "application/json")
      .body(R"({"amount":5})");
  serve(exchange);
  const testing::FakeRequest& sent = upstream_.requests().at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.target, "/v1/payments?dry=1");
  EXPECT_EQ(sent.value("Authorization"), "Test c1");
  EXPECT_EQ(sent.value("Content-Type"), "application/json");
  EXPECT_EQ(sent.count("Host"), 0u);
  EXPECT_EQ(sent.body, R"({"amount":5})");
  EXPECT_EQ(exchange.status(), 201);
  EXPECT_EQ(exchange.answer(), R"({"id":1})");
  EXPECT_TRUE(exchange.complete());
  EXPECT_EQ(exchange.response_field("Countersign-Outcome"), "answered");
  EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "1");
}

TEST_F(EgressServiceTest, TheCallersOwnCredentialsAndClaimsNeverPass) {
  upstream_.then({.status = 200});
  FakeExchange exchange("GET", "/acme/");
  for (const char* name : {"Authorization",
                           "authorization",
                           "AUTHORIZATION",
                           "DPoP",
                           "dpop",
                           "Signature",
                           "Signature-Input",
                           "signature_input",
                           "X-Api-Key",
                           "x_api_key",
                           "Cookie",
                           "Client-Cert",
                           "CLIENT_CERT",
                           "Client-Cert-Chain",
                           "X-Client-Cert",
                           "X-SSL-Client-DN",
                           "X-Forwarded-For",
                           "x-forwarded-proto",
                           "X_FORWARDED_HOST",
                           "X-Forwarded",
                           "Forwarded",
                           "X-Real-IP",
                           "Countersign-Client",
                           "countersign_anything",
                           "Early-Data",
                           "X-Original-URL",
                           "X-Rewrite-URL",
                           "Proxy"}) {
    exchange.field(name, "forged");
  }
  exchange.field("Accept", "application/json")
      .field("X-Request-Id", "r1")
      .field("Idempotency-Key", "k1");
  serve(exchange);
  const testing::FakeRequest& sent = upstream_.requests().at(0);
  for (const auto& [name, value] : sent.fields) EXPECT_NE(value, "forged") << name;
  EXPECT_EQ(sent.count("Authorization"), 1u);
  EXPECT_EQ(sent.value("Accept"), "application/json");
  EXPECT_EQ(sent.value("X-Request-Id"), "r1");
  EXPECT_EQ(sent.value("Idempotency-Key"), "k1");
}

TEST_F(EgressServiceTest, AConfiguredCredentialFieldOfAnyApiIsDroppedInEverySpelling) {
  scheme_.name = "Provider-Key";
  upstream_.then({.status = 200});
  FakeExchange exchange("GET", "/acme/");
  exchange.field("provider-key", "forged").field("PROVIDER_KEY", "forged");
  serve(exchange);
  const testing::FakeRequest& sent = upstream_.requests().at(0);
  EXPECT_EQ(sent.count("Provider-Key"), 1u);
  EXPECT_EQ(sent.count("Provider_Key"), 0u);
  EXPECT_EQ(sent.value("Provider-Key"), "Test c1");
}

TEST_F(EgressServiceTest, HopByHopFieldsDoNotPass) {
  upstream_.then({.status = 200, .fields = {{"Keep-Alive", "timeout=5"}, {"X-Answer", "a"}}});
  FakeExchange exchange("GET", "/acme/");
  exchange.field("TE", "trailers").field("Keep-Alive", "5").field("Proxy-Authorization", "Basic x");
  serve(exchange);
  EXPECT_EQ(upstream_.requests().at(0).fields.size(), 1u);
  EXPECT_EQ(exchange.response_field("Keep-Alive"), std::nullopt);
  EXPECT_EQ(exchange.response_field("X-Answer"), "a");
}

TEST_F(EgressServiceTest, ResponseFieldsAboutTheUpstreamsAddressDoNotPass) {
  upstream_.then({.status = 200,
                  .fields = {{"Alt-Svc", "h3=\":443\""},
                             {"Strict-Transport-Security", "max-age=1"},
                             {"Set-Cookie", "a=b"},
                             {"Clear-Site-Data", "*"},
                             {"Countersign-Outcome", "not_sent"},
                             {"Countersign-Attempts", "9"},
                             {"Countersign-Decision-Id", "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
                             {"Deprecation", "@1"}}});
  FakeExchange exchange("GET", "/acme/");
  serve(exchange);
  for (const char* name :
       {"Alt-Svc", "Strict-Transport-Security", "Set-Cookie", "Clear-Site-Data"}) {
    EXPECT_EQ(exchange.response_field(name), std::nullopt) << name;
  }
  EXPECT_EQ(exchange.response_fields("Countersign-Outcome"), std::vector<std::string>{"answered"});
  EXPECT_EQ(exchange.response_fields("Countersign-Attempts"), std::vector<std::string>{"1"});
  EXPECT_EQ(exchange.response_field("Countersign-Decision-Id"), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(exchange.response_field("Deprecation"), "@1");
  EXPECT_THAT(log_text(), HasSubstr(R"("decision_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV")"));
}

TEST_F(EgressServiceTest, RedirectsAreTheCallersToSee) {
  upstream_.then({.status = 307, .fields = {{"Location", "https://elsewhere.example/"}}});
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange);
  EXPECT_EQ(exchange.status(), 307);
  EXPECT_EQ(exchange.response_field("Location"), "https://elsewhere.example/");
  EXPECT_EQ(upstream_.requests().size(), 1u);
}

TEST_F(EgressServiceTest, ChoosesTheLongestPrefixByWholeSegments) {
  testing::FakeClient special(loop_);
  testing::FakeClient rest(loop_);
  EgressApi keeping = api("rest", "/", rest);
  keeping.options.strip_prefix = false;
  egress({api("acme", "/acme/", upstream_), keeping, api("special", "/acme/special", special)});
  for (testing::FakeClient* client : {&upstream_, &special, &rest}) {
    client->otherwise([](const testing::FakeRequest&) { return testing::FakeAnswer{}; });
  }
  for (const char* target : {"/acme", "/acme?q=1", "/acme/special", "/acme/special/x",
                             "/acme/specials", "/acmes", "/"}) {
    FakeExchange exchange("GET", target);
    serve(exchange);
    EXPECT_EQ(exchange.status(), 200) << target;
  }
  auto targets = [](const testing::FakeClient& client) {
    std::vector<std::string> all;
    for (const auto& request : client.requests()) all.push_back(request.target);
    return all;
  };
  EXPECT_EQ(targets(upstream_), (std::vector<std::string>{"/", "/?q=1", "/specials"}));
  EXPECT_EQ(targets(special), (std::vector<std::string>{"/", "/x"}));
  EXPECT_EQ(targets(rest), (std::vector<std::string>{"/acmes", "/"}));
}

void expect_refusal(const FakeExchange& exchange, int status, std::string_view reason) {
  EXPECT_EQ(exchange.status(), status);
  EXPECT_EQ(exchange.response_field("Content-Type"), "application/problem+json");
  EXPECT_EQ(exchange.response_field("WWW-Authenticate"), std::nullopt);
  EXPECT_THAT(exchange.answer(), HasSubstr("\"reason\":\"" + std::string(reason) + "\""));
  EXPECT_THAT(exchange.answer(), HasSubstr(R"("source":"egress")"));
}

TEST_F(EgressServiceTest, APathOfNoApiIsNotFound) {
  for (const char* target : {"/other", "/acmes", "/", "*", "/%61cme"}) {
    FakeExchange exchange("GET", target);
    serve(exchange);
    expect_refusal(exchange, 404, "route_unknown");
    EXPECT_EQ(exchange.response_field("Countersign-Outcome"), "not_sent");
    EXPECT_EQ(exchange.response_field("Countersign-Attempts"), "0");
  }
  EXPECT_EQ(upstream_.opened(), 0u);
}

TEST_F(EgressServiceTest, APathThatCouldLeaveItsPrefixIsRefused) {
  for (const char* target :
       {"/acme/../other", "/acme/..", "/acme/./x", "/acme/%2e%2e/x", "/acme/.%2E/x",
        "/acme/x%2f..%2fy", "/acme/..;a=b/x", "/acme/..%3ba/x", "/acme/x%5c..%5cy"}) {
    FakeExchange exchange("GET", target);
    serve(exchange);
    expect_refusal(exchange, 400, "path_not_canonical");
  }
  upstream_.otherwise([](const testing::FakeRequest&) { return testing::FakeAnswer{}; });
  for (const char* target :
       {"/acme/v1.2/x", "/acme/...", "/acme/.well-known/x", "/acme/a%2Fb", "/acme/x?y=/../z"}) {
    FakeExchange exchange("GET", target);
    serve(exchange);
    EXPECT_EQ(exchange.status(), 200) << target;
  }
}

TEST_F(EgressServiceTest, TraceAndConnectAreRefused) {
  for (const char* method : {"TRACE", "CONNECT"}) {
    FakeExchange exchange(method, "/acme/x");
    serve(exchange);
    expect_refusal(exchange, 405, "method_not_allowed");
    EXPECT_NE(exchange.response_field("Allow"), std::nullopt);
  }
}

TEST_F(EgressServiceTest, ABrowserIsRefusedUnlessAllowed) {
  for (const char* name : {"Origin", "Sec-Fetch-Site"}) {
    FakeExchange exchange("POST", "/acme/x");
    exchange.field(name, "null");
    serve(exchange);
    expect_refusal(exchange, 403, "caller_not_allowed");
  }
  egress({api("acme", "/acme", upstream_)}, {.unsafe_allow_browsers = true});
  upstream_.then({.status = 200});
  FakeExchange exchange("POST", "/acme/x");
  exchange.field("Origin", "http://localhost");
  serve(exchange);
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_EQ(upstream_.requests().at(0).count("Origin"), 0u);
}

TEST_F(EgressServiceTest, WithoutACredentialNothingIsSent) {
  scheme_.ready = false;
  scheme_.failure =
      NotReady{make_error(ErrorKind::unavailable, "consumer.issuer_unavailable", "x"), 1500ms};
  FakeExchange exchange("POST", "/acme/x");
  exchange.body("b");
  serve(exchange);
  expect_refusal(exchange, 503, "token_unavailable");
  EXPECT_EQ(exchange.response_field("Retry-After"), "2");
  EXPECT_THAT(exchange.answer(), HasSubstr("consumer.issuer_unavailable"));
  EXPECT_EQ(upstream_.opened(), 0u);

  scheme_.failure =
      NotReady{make_error(ErrorKind::misconfigured, "consumer.issuer_refuses_client", "x"), 300s};
  FakeExchange second("POST", "/acme/x");
  serve(second);
  expect_refusal(second, 503, "credential_unavailable");
  EXPECT_EQ(upstream_.opened(), 0u);
}

TEST_F(EgressServiceTest, WaitsForACredentialAndThenSends) {
  scheme_.ready = false;
  scheme_.ready_after = 2s;
  upstream_.then({.status = 200});
  FakeExchange exchange("GET", "/acme/x");
  serve(exchange, 2s);
  EXPECT_EQ(exchange.status(), 200);
}

TEST_F(EgressServiceTest, AnotherHostInTheRequestChangesNothing) {
  upstream_.then({.status = 200});
  FakeExchange exchange("GET", "/acme/x");
  exchange.field("Host", "evil.example").field("X-Forwarded-Host", "evil.example");
  serve(exchange);
  EXPECT_EQ(upstream_.requests().at(0).count("Host"), 0u);
}

TEST_F(EgressServiceTest, ConfigurationsThatCannotBeServedAreRefused) {
  auto code = [](const Result<void>& result) { return result ? "" : result.error().code; };
  EXPECT_EQ(code(check_apis({api("", "/a", upstream_)})), "egress.bad_api");
  EXPECT_EQ(code(check_apis({api("a", "a", upstream_)})), "egress.bad_api");
  EXPECT_EQ(code(check_apis({api("a", "/a/../b", upstream_)})), "egress.bad_api");
  EXPECT_EQ(code(check_apis({api("a", "/a", upstream_), api("b", "/a/", upstream_)})),
            "egress.bad_api");
  EgressApi no_time = api("a", "/a", upstream_);
  no_time.options.deadline = 0ms;
  EXPECT_EQ(code(check_apis({no_time})), "egress.bad_api");
  EXPECT_EQ(code(check_apis({api("a", "/a", upstream_), api("b", "/", upstream_)})), "");
}

TEST_F(EgressServiceTest, LogsOneLineARequestWithoutItsQuery) {
  upstream_.then({.status = 201, .body = "12345"});
  FakeExchange exchange("POST", "/acme/v1/payments?iban=DE02120300000000202051");
  exchange.body("123");
  serve(exchange);
  EXPECT_EQ(
      log_text(),
      R"({"time":"2027-01-15T08:00:00.000Z","api":"acme","method":"POST","path":"/acme/v1/payments",)"
      R"("status":201,"outcome":"answered","attempts":1,"scheme":"test","ms":0.000,"request_bytes":3,)"
      R"("response_bytes":5,"caller":"0.0.0.0"})"
      "\n");
}

TEST_F(EgressServiceTest, ACallThatIsGivenUpHalfWayLeavesALine) {
  testing::FakeAnswer never;
  never.never = true;
  upstream_.then(never);
  FakeExchange exchange("POST", "/acme/x");
  {
    Task<void> task = egress().serve(exchange);
    task.start();
    loop_.advance(1s);
    EXPECT_FALSE(task.done());
  }
  EXPECT_THAT(log_text(), HasSubstr(R"("status":0,"outcome":"unknown","attempts":1)"));
}

TEST_F(EgressServiceTest, TracesTheOutgoingHeadWithoutTheCredential) {
  egress({api("acme", "/acme", upstream_)}, {.trace_heads = true});
  upstream_.then({.status = 200});
  FakeExchange exchange("GET", "/acme/v1?secret=1");
  exchange.field("Accept", "a/b").field("Authorization", "Bearer callers-own").field("Host", "h");
  serve(exchange);
  const std::string text = log_text();
  EXPECT_THAT(text, HasSubstr(R"json({"trace":"request_head","api":"acme","attempt":1,)json"
                              R"json("head":["GET /v1?… HTTP/1.1","Accept: a/b",)json"
                              R"json("Authorization: Test … (redacted)"]})json"));
  EXPECT_THAT(text, Not(HasSubstr("c1")));
  EXPECT_THAT(text, Not(HasSubstr("callers-own")));
}

}  // namespace
}  // namespace countersign::consumer
