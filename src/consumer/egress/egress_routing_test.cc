// Which API a call is for, who may make it, and what passes around it.

#include <gtest/gtest.h>

#include "consumer/egress/api_routing.h"
#include "consumer/egress/egress_test_fixture.h"
#include "consumer/egress/location.h"
#include "support/fake_entropy.h"

namespace countersign::consumer {
namespace {

using testing::FakeAnswer;
using testing::FakeExchange;

constexpr LocationRules acme{.origin = "https://pay.example:8443", .prefix = "/acme"};

TEST(Location, OfTheApiIsAPlaceOfTheEgress) {
  EXPECT_EQ(rewritten_location("https://pay.example:8443/v1/p/7?a=1#x", acme),
            "/acme/v1/p/7?a=1#x");
  EXPECT_EQ(rewritten_location("HTTPS://PAY.example:8443/v1", acme), "/acme/v1");
  EXPECT_EQ(rewritten_location("https://pay.example:8443", acme), "/acme/");
  EXPECT_EQ(rewritten_location("https://pay.example:8443?a", acme), "/acme/?a");
  EXPECT_EQ(rewritten_location("/v1/p/7", acme), "/acme/v1/p/7");
  EXPECT_EQ(rewritten_location("https://pay.example:443/v1",
                               {.origin = "https://pay.example", .prefix = "/acme"}),
            "/acme/v1");
}

TEST(Location, OfAnotherPlaceStaysAsItIs) {
  for (const std::string_view place :
       {"https://evil.example/v1", "http://pay.example:8443/v1", "https://pay.example/v1",
        "https://pay.example:84430/v1", "https://pay.example:8443.evil.example/",
        "https://pay.example:8443@evil.example/", "//evil.example/v1", "relative", "", "?a", "#x",
        "https://pay.example:8443//evil.example", "/../x", "https://pay.example:8443/%2e%2e/x"}) {
    EXPECT_EQ(rewritten_location(place, acme), std::nullopt) << place;
  }
}

TEST(Location, WithoutStrippingOnlyWhatComesBackIsRewritten) {
  const LocationRules rules{
      .origin = "https://pay.example", .prefix = "/v1", .strip_prefix = false};
  EXPECT_EQ(rewritten_location("https://pay.example/v1/p", rules), "/v1/p");
  EXPECT_EQ(rewritten_location("https://pay.example/v2/p", rules), std::nullopt);
  EXPECT_EQ(rewritten_location("/v1/p", rules), std::nullopt);
}

TEST(HostOf, LeavesThePortOut) {
  EXPECT_EQ(host_of("a.example:80"), "a.example");
  EXPECT_EQ(host_of("a.example"), "a.example");
  EXPECT_EQ(host_of("[::1]:80"), "[::1]");
  EXPECT_EQ(host_of("[::1]"), "[::1]");
  EXPECT_EQ(host_of(""), "");
}

class EgressRoutingTest : public EgressTest {
 protected:
  EgressApi named(std::string name, std::string prefix, std::vector<std::string> hosts) {
    EgressApi made = api(name, std::move(prefix), upstream_);
    made.options.hosts = std::move(hosts);
    made.options.origin = "https://pay.example";
    return made;
  }
  void with_parts(std::vector<EgressApi> apis, EgressParts parts) {
    ASSERT_TRUE(check_apis(apis));
    service_.emplace(std::move(apis), loop_, clock_, log_, EgressOptions{}, parts);
  }
  // The name of the API that a request of this Host and path is for.
  std::string api_of(std::string_view host, std::string_view path) {
    upstream_.then({.status = 200});
    FakeExchange exchange("GET", path);
    exchange.field("Host", host);
    serve(exchange);
    const std::string line = log_text();
    const size_t at = line.find("\"api\":\"") + 7;
    return line.substr(at, line.find('"', at) - at);
  }
};

TEST_F(EgressRoutingTest, HostChoosesBeforeThePath) {
  egress({named("all", "/", {}), named("acme", "/", {"acme.egress.internal", "acme.local"}),
          named("acme_v2", "/v2", {"acme.egress.internal"})});
  EXPECT_EQ(api_of("acme.egress.internal", "/x"), "acme");
  EXPECT_EQ(api_of("ACME.egress.internal:8080", "/x"), "acme");
  EXPECT_EQ(api_of("acme.egress.internal", "/v2/x"), "acme_v2");
  EXPECT_EQ(api_of("acme.local", "/v2/x"), "acme");
  EXPECT_EQ(api_of("127.0.0.1:8080", "/v2/x"), "all");
  EXPECT_EQ(api_of("xacme.local", "/x"), "all");
}

TEST_F(EgressRoutingTest, AListedHostIsForNoOtherApi) {
  egress({named("all", "/", {}), named("acme", "/v1", {"acme.local"})});
  FakeExchange exchange("GET", "/other");
  exchange.field("Host", "acme.local");
  serve(exchange);
  EXPECT_EQ(exchange.status(), 404);
}

TEST_F(EgressRoutingTest, TwoApisMayNotBeInOnePlace) {
  EXPECT_FALSE(check_apis({named("a", "/", {"h"}), named("b", "/", {"H"})}));
  EXPECT_FALSE(check_apis({named("a", "/", {"h:80"})}));
  EXPECT_FALSE(check_apis({named("a", "/", {"h/x"})}));
  EXPECT_TRUE(check_apis({named("a", "/", {"h"}), named("b", "/", {}), named("c", "/x", {"h"})}));
}

TEST_F(EgressRoutingTest, RulesAreAboutThePathThatTheApiGets) {
  const auto callers = CallerPolicy::create(
      {{.any_local = true, .apis = {"acme"}, .paths = {"/v1/payments"}}}, {"acme"});
  ASSERT_TRUE(callers);
  EgressCounters counters(1);
  with_parts({named("acme", "/acme", {})}, {.callers = &*callers, .counters = &counters});
  upstream_.then({.status = 200});
  FakeExchange allowed("GET", "/acme/v1/payments?limit=1");
  allowed.from("127.0.0.1");
  serve(allowed);
  EXPECT_EQ(allowed.status(), 200);
  FakeExchange other("GET", "/acme/v1/refunds");
  other.from("127.0.0.1");
  serve(other);
  EXPECT_EQ(other.status(), 403);
  EXPECT_NE(other.answer().find("\"reason\":\"call_not_allowed\""), std::string::npos);
  EXPECT_NE(other.answer().find("\"outcome\":\"not_sent\""), std::string::npos);
  FakeExchange stranger("GET", "/acme/v1/payments");
  stranger.from("192.0.2.1");
  serve(stranger);
  EXPECT_NE(stranger.answer().find("caller_not_allowed"), std::string::npos);
  EXPECT_EQ(upstream_.requests().size(), 1u);
  EXPECT_NE(log_text().find("\"caller\":\"192.0.2.1\""), std::string::npos);
  EXPECT_EQ(counters.problems[static_cast<size_t>(protocol::Reason::call_not_allowed)], 1u);
  EXPECT_EQ(counters.apis[0].in_flight, 0u);
  EXPECT_EQ(counters.apis[0].attempts, 1u);
}

TEST_F(EgressRoutingTest, LocationsOfTheApiComeBackHere) {
  egress({named("acme", "/acme", {})});
  upstream_.then({.status = 201, .fields = {{"Location", "https://pay.example/v1/p/7"}}});
  FakeExchange made("POST", "/acme/v1/p");
  serve(made);
  EXPECT_EQ(made.response_fields("Location"), std::vector<std::string>{"/acme/v1/p/7"});
  upstream_.then({.status = 307, .fields = {{"Location", "https://evil.example/"}}});
  FakeExchange redirected("GET", "/acme/v1/p");
  serve(redirected);
  EXPECT_EQ(redirected.status(), 307) << "passed on, never followed";
  EXPECT_EQ(redirected.response_field("Location"), "https://evil.example/");
  EXPECT_EQ(upstream_.requests().size(), 2u);
}

class EgressTraceTest : public EgressRoutingTest {
 protected:
  static constexpr std::string_view parent =
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const testing::FakeClient& sent(FakeExchange& exchange) {
    if (!service_) with_parts({named("acme", "/acme", {})}, {.entropy = &entropy_});
    upstream_.then({.status = 200});
    serve(exchange);
    return upstream_;
  }
  std::string traceparent_of(FakeExchange& exchange) {
    return sent(exchange).requests().back().value("traceparent");
  }
  testing::FakeEntropy entropy_;
};

TEST_F(EgressTraceTest, AValidTraceGoesOnWithAParentOfThisHop) {
  FakeExchange exchange("GET", "/acme/x");
  exchange.field("Traceparent", parent).field("tracestate", "a=1").field("tracestate", "b=2");
  const std::string next = traceparent_of(exchange);
  EXPECT_TRUE(next.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-")) << next;
  EXPECT_TRUE(next.ends_with("-01"));
  EXPECT_EQ(next.find("00f067aa0ba902b7"), std::string::npos);
  EXPECT_EQ(upstream_.requests().back().count("traceparent"), 1u);
  EXPECT_EQ(upstream_.requests().back().value("tracestate"), "a=1,b=2");
  EXPECT_NE(log_text().find("\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\""),
            std::string::npos);
}

TEST_F(EgressTraceTest, AnythingElseBeginsATraceAndDropsTheState) {
  FakeExchange none("GET", "/acme/x");
  EXPECT_TRUE(protocol::TraceContext::parse(traceparent_of(none)));
  FakeExchange malformed("GET", "/acme/x");
  malformed.field("traceparent", "00-xyz").field("tracestate", "a=1");
  const std::string begun = traceparent_of(malformed);
  EXPECT_TRUE(begun.ends_with("-00")) << begun;
  EXPECT_EQ(upstream_.requests().back().count("tracestate"), 0u);
  FakeExchange twice("GET", "/acme/x");
  twice.field("traceparent", parent).field("traceparent", parent);
  EXPECT_EQ(traceparent_of(twice).find("4bf92f35"), std::string::npos);
  FakeExchange bad_state("GET", "/acme/x");
  bad_state.field("traceparent", parent).field("tracestate", "=");
  EXPECT_NE(traceparent_of(bad_state).find("4bf92f35"), std::string::npos);
  EXPECT_EQ(upstream_.requests().back().count("tracestate"), 0u);
}

TEST_F(EgressTraceTest, AProblemNamesItsTrace) {
  with_parts({named("acme", "/acme", {})}, {.entropy = &entropy_});
  FakeExchange exchange("GET", "/nowhere");
  exchange.field("traceparent", parent);
  serve(exchange);
  EXPECT_NE(exchange.answer().find("\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\""),
            std::string::npos);
}

}  // namespace
}  // namespace countersign::consumer
