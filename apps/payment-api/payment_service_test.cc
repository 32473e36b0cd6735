#include "payment-api/payment_service.h"

#include <thread>

#include <gtest/gtest.h>

#include "core/json.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/fake_exchange.h"
#include "support/temporary_folder.h"

namespace countersign::payment_api {
namespace {

using testing::FakeClock;
using testing::FakeEntropy;
using testing::FakeExchange;
using testing::TemporaryFolder;

constexpr std::string_view order_json =
    R"({"amount": 1000, "currency": "EUR",
    "debtor": {"name": "Hanse Logistik GmbH", "iban": "DE89370400440532013000"},
    "creditor": {"name": "Waterweg Supplies B.V.", "iban": "NL91ABNA0417164300"}, "reference": "Invoice 1"})";

class AtOnce final : public BlockingRunner {
 public:
  Task<Result<void>> run(std::function<void()> work) override {
    if (refuse) co_return fail(ErrorKind::unavailable, "test.full", "too much is queued");
    work();
    co_return Result<void>();
  }
  bool refuse = false;
};

class PaymentServiceTest : public ::testing::Test {
 protected:
  FakeExchange ask(std::string_view method, std::string_view target, std::string_view body = "",
                   std::string_view key = "", std::string_view client = "shop") {
    FakeExchange exchange(method, target);
    exchange.field("Countersign-Client", client);
    if (!body.empty()) exchange.field("Content-Type", "application/json").body(body);
    if (!key.empty()) exchange.field("Idempotency-Key", key);
    FakeExchange::run(service_.serve(exchange));
    return exchange;
  }
  std::string pay(std::string_view key, std::string_view client = "shop") {
    const FakeExchange paid = ask("POST", "/v1/payments", order_json, key, client);
    EXPECT_EQ(paid.status(), 201) << paid.answer();
    return *string_member(Json::parse(paid.answer()), "id");
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  FakeEntropy entropy_;
  std::unique_ptr<PaymentStore> store_ =
      *PaymentStore::open(folder_ / "payments.db", clock_, entropy_);
  AtOnce runner_;
  PaymentService service_{*store_, runner_};
};

TEST_F(PaymentServiceTest, MakesAndReadsBackAPayment) {
  const FakeExchange made = ask("POST", "/v1/payments", order_json, "k1");
  ASSERT_EQ(made.status(), 201) << made.answer();
  const Json payment = Json::parse(made.answer());
  const std::string path = "/v1/payments/" + *string_member(payment, "id");
  EXPECT_EQ(made.response_field("Location"), path);
  const FakeExchange found = ask("GET", path);
  EXPECT_EQ(found.status(), 200);
  EXPECT_EQ(Json::parse(found.answer()), payment);
}

TEST_F(PaymentServiceTest, RepeatWithTheSameKeyAndBodyGetsTheSameAnswerAndPaysOnce) {
  const FakeExchange first = ask("POST", "/v1/payments", order_json, "k1");
  clock_.advance(std::chrono::hours(24));
  const FakeExchange second = ask("POST", "/v1/payments", order_json, "k1");
  EXPECT_EQ(second.status(), 201);
  EXPECT_EQ(second.answer(), first.answer());
  EXPECT_EQ(second.response_field("Idempotent-Replayed"), "true");
  EXPECT_FALSE(first.response_field("Idempotent-Replayed"));
  EXPECT_EQ(Json::parse(ask("GET", "/v1/payments").answer())["payments"].size(), 1u);
}

TEST_F(PaymentServiceTest, SameKeyWithAnotherBodyIsRefusedWith422) {
  pay("k1");
  std::string other(order_json);
  other.replace(other.find("1000"), 4, "1001");
  EXPECT_EQ(ask("POST", "/v1/payments", other, "k1").status(), 422);
}

TEST_F(PaymentServiceTest, KeyOfAPaymentIsNotAKeyOfARefund) {
  const std::string id = pay("k1");
  EXPECT_EQ(ask("POST", "/v1/payments/" + id + "/refunds", R"({"amount": 1})", "k1").status(), 422);
}

TEST_F(PaymentServiceTest, KeysAndPaymentsBelongToTheirClient) {
  const std::string id = pay("k1", "shop");
  EXPECT_NE(pay("k1", "other"), id);
  EXPECT_EQ(ask("GET", "/v1/payments/" + id, "", "", "other").status(), 404);
  EXPECT_EQ(
      ask("POST", "/v1/payments/" + id + "/refunds", R"({"amount": 1})", "k2", "other").status(),
      404);
}

TEST_F(PaymentServiceTest, PaymentWithoutAKeyOrWithTwoIsRefused) {
  EXPECT_EQ(ask("POST", "/v1/payments", order_json).status(), 400);
  FakeExchange twice("POST", "/v1/payments");
  twice.field("Content-Type", "application/json").body(order_json);
  twice.field("Idempotency-Key", "a").field("Idempotency-Key", "b");
  FakeExchange::run(service_.serve(twice));
  EXPECT_EQ(twice.status(), 400);
  EXPECT_EQ(ask("POST", "/v1/payments", order_json, std::string(256, 'k')).status(), 400);
}

TEST_F(PaymentServiceTest, RefundsNeverExceedThePayment) {
  const std::string refunds = "/v1/payments/" + pay("k") + "/refunds";
  EXPECT_EQ(ask("POST", refunds, R"({"amount": 600})", "r1").status(), 201);
  EXPECT_EQ(ask("POST", refunds, R"({"amount": 401})", "r2").status(), 409);
  EXPECT_EQ(ask("POST", refunds, R"({"amount": 400})", "r2").status(), 201);
  EXPECT_EQ(ask("POST", refunds, R"({"amount": 1})", "r3").status(), 409);
  EXPECT_EQ(ask("POST", refunds, R"({"amount": 600})", "r1").status(),
            201);  // a repeat, not a refund
}

TEST_F(PaymentServiceTest, RefundsAtTheSameTimeNeverExceedThePayment) {
  const std::string id = pay("k");
  std::atomic<int> refunded = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      FakeClock clock;
      SystemEntropy entropy;
      const auto store = *PaymentStore::open(folder_ / "payments.db", clock, entropy);
      for (int i = 0; i < 5; ++i) {
        const WriteRequest request{"shop", "r" + std::to_string(t * 100 + i), "body"};
        if (store->refund(request, id, {.amount = 300})) ++refunded;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refunded, 3);
  EXPECT_EQ(store_->find("shop", id)->refunded, 900);
}

TEST_F(PaymentServiceTest, PagesAreCompleteAndInOrder) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) made.push_back(pay("k" + std::to_string(i)));
  std::vector<std::string> seen;
  std::string target = "/v1/payments?limit=2";
  for (int pages = 0; pages < 3; ++pages) {
    const Json page = Json::parse(ask("GET", target).answer());
    for (const Json& payment : page["payments"]) seen.push_back(*string_member(payment, "id"));
    if (page["next_cursor"].is_null()) break;
    target = "/v1/payments?limit=2&cursor=" + *string_member(page, "next_cursor");
  }
  std::reverse(seen.begin(), seen.end());
  EXPECT_EQ(seen, made);
}

TEST_F(PaymentServiceTest, RefusesBadQueries) {
  for (const std::string_view query :
       {"limit=0", "limit=101", "limit=x", "limit=", "cursor=x", "cursor=-1", "cursor=1%20OR%201",
        "sort=id", "limit=1&&cursor=1"}) {
    EXPECT_EQ(ask("GET", "/v1/payments?" + std::string(query)).status(), 400) << query;
  }
}

TEST_F(PaymentServiceTest, UnknownResourcesAndMethodsAreNotFound) {
  EXPECT_EQ(ask("GET", "/").status(), 404);
  EXPECT_EQ(ask("GET", "/v1/payments/").status(), 404);
  EXPECT_EQ(ask("GET", "/v1/payments/pay_none").status(), 404);
  EXPECT_EQ(ask("DELETE", "/v1/payments/" + pay("k")).status(), 404);
}

TEST_F(PaymentServiceTest, WorkThatCannotBeTakenOnIs503AndNothingIsPaid) {
  runner_.refuse = true;
  EXPECT_EQ(ask("POST", "/v1/payments", order_json, "k").status(), 503);
  runner_.refuse = false;
  EXPECT_EQ(Json::parse(ask("GET", "/v1/payments").answer())["payments"].size(), 0u);
}

}  // namespace
}  // namespace countersign::payment_api
