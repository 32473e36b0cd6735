// What becomes of requests that are under way when their client, credential or certificate is
// revoked.

#include <cerrno>

#include <gtest/gtest.h>

#include "provider/gateway/cut_offs.h"
#include "provider/gateway/gateway_testbed.h"

namespace countersign::provider {
namespace {

using std::chrono::milliseconds;
using store::SubjectKind;
using testing::FakeExchange;
using testing::GatewayTestbed;
using testing::seconds;
using testing::TestCertificates;

class GatewayCutOff : public ::testing::Test {
 protected:
  void cut_off(SubjectKind kind, std::string subject) {
    bed.cut_off(kind, std::move(subject), bed.clock.wall_now());
    bed.gateway().enforce_cut_offs();
    bed.executor.run();
  }
  std::string audit() {
    EXPECT_TRUE(bed.audit.flush());
    return bed.audit_file.text;
  }

  GatewayTestbed bed;
  const crypto::VerifiedPeer& shop = TestCertificates::get().shop;
};

TEST_F(GatewayCutOff, WhatWaitsForAConnectionIsNotForwardedAndHearsWhy) {
  bed.upstream.opens_after(seconds(1));
  FakeExchange exchange = bed.post("Bearer " + bed.token());
  bed.serve(exchange);
  cut_off(SubjectKind::token, bed.last_token_id);
  bed.executor.advance(seconds(2));
  EXPECT_EQ(exchange.status(), 401);
  EXPECT_EQ(exchange.response_field("Countersign-Reason"), "token_revoked");
  EXPECT_TRUE(bed.upstream.requests().empty());
  EXPECT_TRUE(audit().contains("\"outcome\":\"deny\""));
}

TEST_F(GatewayCutOff, ItsRefusalIsOnDiskBeforeItIsTold) {
  bed.upstream.opens_after(seconds(1));
  FakeExchange exchange = bed.post("Bearer " + bed.token());
  bed.serve(exchange);
  cut_off(SubjectKind::token, bed.last_token_id);
  bed.executor.advance(seconds(2));
  ASSERT_EQ(exchange.status(), 401);
  EXPECT_TRUE(bed.audit_file.on_disk("\"reason\":\"token_revoked\""));
}

TEST_F(GatewayCutOff, ARefusalThatTheDiskDoesNotTakeIsNotTold) {
  bed.upstream.opens_after(seconds(1));
  FakeExchange exchange = bed.post("Bearer " + bed.token());
  bed.serve(exchange);
  bed.audit_file.sync_error = EIO;
  cut_off(SubjectKind::token, bed.last_token_id);
  bed.executor.advance(seconds(2));
  EXPECT_EQ(exchange.status(), 503);
  EXPECT_EQ(exchange.response_field("Countersign-Reason"), "audit_unavailable");
  EXPECT_TRUE(bed.upstream.requests().empty());
}

TEST_F(GatewayCutOff, ACutOffIsSeenBeforeForwardingWithoutBeingTold) {
  bed.upstream.opens_after(seconds(1));
  FakeExchange exchange = bed.post("Bearer " + bed.token());
  bed.serve(exchange);
  bed.cut_off(SubjectKind::client, "pay", bed.clock.wall_now());
  bed.executor.advance(seconds(2));
  EXPECT_EQ(exchange.response_field("Countersign-Reason"), "token_revoked");
  EXPECT_TRUE(bed.upstream.requests().empty());
}

TEST_F(GatewayCutOff, WhatWaitsForItsAnswerGetsNoneAndTheLogSaysThatItWasForwarded) {
  bed.upstream.then({.never = true});
  FakeExchange exchange = bed.post("ApiKey " + bed.key());
  bed.serve(exchange);
  cut_off(SubjectKind::credential, bed.last_key_id);
  EXPECT_TRUE(exchange.aborted());
  bed.executor.advance(seconds(30));
  EXPECT_EQ(exchange.status(), 0);
  EXPECT_EQ(bed.upstream.requests().size(), 1u);
  EXPECT_EQ(bed.upstream.open_now(), 0u);
  const std::string log = audit();
  EXPECT_TRUE(log.contains("\"outcome\":\"allow\"")) << log;
  EXPECT_TRUE(log.contains("\"reason\":\"key_revoked\"")) << log;
}

TEST_F(GatewayCutOff, AnAnswerUnderWayBreaksOff) {
  bed.upstream.then({.body = "more", .endless_body = true, .drip = milliseconds(10)});
  FakeExchange exchange = bed.get("Bearer " + bed.token());
  bed.serve(exchange);
  bed.executor.advance(seconds(1));
  EXPECT_EQ(exchange.status(), 200);
  cut_off(SubjectKind::client, "pay");
  bed.executor.advance(seconds(1));
  EXPECT_TRUE(exchange.aborted());
  EXPECT_FALSE(exchange.complete());
  EXPECT_EQ(bed.upstream.open_now(), 0u);
  EXPECT_TRUE(audit().contains("\"reason\":\"token_revoked\""));
}

TEST_F(GatewayCutOff, TheCertificateOfTheConnectionCountsToo) {
  bed.upstream.then({.never = true});
  FakeExchange exchange = bed.post("Bearer " + bed.token({.client_id = "shop"}));
  exchange.certificate(&shop);
  bed.serve(exchange);
  cut_off(SubjectKind::certificate, encode_base64url(shop.certificate().thumbprint));
  EXPECT_TRUE(exchange.aborted());
  bed.executor.advance(seconds(30));
  EXPECT_TRUE(audit().contains("\"reason\":\"certificate_revoked\""));
}

TEST_F(GatewayCutOff, OthersGoOn) {
  bed.upstream.then({.body = "{}", .delay = seconds(1)});
  FakeExchange exchange = bed.post("Bearer " + bed.token());
  bed.serve(exchange);
  cut_off(SubjectKind::client, "shop");
  bed.executor.advance(seconds(2));
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_TRUE(exchange.complete());
}

TEST_F(GatewayCutOff, ADisabledClientsRequestsEndToo) {
  bed.upstream.then({.never = true});
  FakeExchange exchange = bed.post("Bearer " + bed.token());
  bed.serve(exchange);
  bed.client("pay").status = store::ClientStatus::disabled;
  bed.load();
  bed.gateway().enforce_cut_offs();
  EXPECT_TRUE(exchange.aborted());
  bed.executor.advance(seconds(30));
  EXPECT_TRUE(audit().contains("\"reason\":\"client_disabled\""));
}

TEST_F(GatewayCutOff, ARevokedClientsConnectionEndsWithTheRefusal) {
  bed.client("pay").status = store::ClientStatus::disabled;
  const std::string token = bed.token();
  bed.load();
  FakeExchange disabled = bed.get("Bearer " + token);
  EXPECT_EQ(bed.reason(disabled), "client_disabled");
  EXPECT_TRUE(disabled.closes());

  bed.clock.advance(testing::hours(25));
  bed.load();
  FakeExchange late = bed.get("Bearer " + bed.token({.client_id = "shop"}));
  late.certificate(&shop);
  EXPECT_EQ(bed.reason(late), "certificate_expired");
  EXPECT_TRUE(late.closes());

  FakeExchange unknown = bed.get("Bearer x");
  EXPECT_EQ(bed.reason(unknown), "token_malformed");
  EXPECT_FALSE(unknown.closes());
}

TEST_F(GatewayCutOff, AConnectionStaysAsLongAsItsCertificateMay) {
  http::PeerInfo peer;
  EXPECT_TRUE(bed.gateway().may_stay_connected(peer));
  peer.certificate = &shop;
  EXPECT_TRUE(bed.gateway().may_stay_connected(peer));
  bed.client("shop").status = store::ClientStatus::disabled;
  bed.load();
  EXPECT_FALSE(bed.gateway().may_stay_connected(peer));
  bed.client("shop").status = store::ClientStatus::active;
  bed.load();
  EXPECT_TRUE(bed.gateway().may_stay_connected(peer));
  cut_off(SubjectKind::certificate, encode_base64url(shop.certificate().thumbprint));
  EXPECT_FALSE(bed.gateway().may_stay_connected(peer));
  peer.certificate = &TestCertificates::get().other;
  EXPECT_TRUE(bed.gateway().may_stay_connected(peer));
}

}  // namespace
}  // namespace countersign::provider
