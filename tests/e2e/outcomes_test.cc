// No payment is doubled or lost, wherever the connections between egress, gateway and payment API
// break: what the backend is told agrees with what the payment API has recorded.

#include <thread>

#include "e2e/outcomes_fixture.h"

namespace countersign::e2e {
namespace {

using Fault = FaultProxy::Fault;
using Kind = FaultProxy::Kind;
using Side = FaultProxy::Side;

class OutcomesAtEveryCut : public Outcomes {
 protected:
  // The bytes of one payment over new connections.
  uint64_t bytes_of_a_payment(FaultProxy& proxy, Side side) {
    // Again if a busy machine has let it run into its deadline.
    for (int status = 0; status != 201;) {
      near_gateway->set({});
      near_api->set({});
      const std::string reference = "measure-" + std::to_string(++calls_);
      status = must(backend->call(pay(plain, reference, /*with_key=*/true))).response.status;
    }
    return proxy.passed(side);
  }

  // One payment with the fault in place, and, with a key, its repeat without.
  void pay_through(FaultProxy& proxy, const Fault& fault, std::string_view api_name,
                   bool with_key) {
    const std::string reference = "cut-" + std::to_string(++calls_);
    const std::string point = std::string(&proxy == &*near_api ? "api" : "gateway") + " side " +
                              std::to_string(static_cast<int>(fault.where)) + " byte " +
                              std::to_string(fault.at_byte) + " kind " +
                              std::to_string(static_cast<int>(fault.kind)) + " " +
                              std::string(api_name) + (with_key ? " key" : "");
    // Both afresh, so that the bytes are those that were measured.
    near_gateway->set(&proxy == &*near_gateway ? fault : Fault{});
    near_api->set(&proxy == &*near_api ? fault : Fault{});
    expect_true(backend->call(pay(api_name, reference, with_key)), reference, point);
    struck_ += proxy.struck() > 0 ? 1 : 0;
    near_gateway->set({});
    near_api->set({});
    if (!with_key) return;
    const drill::Answer again = must(backend->call(pay(api_name, reference, /*with_key=*/true)));
    EXPECT_EQ(again.response.status, 201) << point << again.response.body;
    EXPECT_EQ(recorded(reference), 1) << point;
  }

  // `points` cuts over all bytes of a side, the first before the first byte.
  void cut_everywhere(FaultProxy& proxy, Side side, Fault fault, uint64_t points,
                      std::string_view api_name, bool with_key) {
    const uint64_t bytes = bytes_of_a_payment(proxy, side);
    ASSERT_GT(bytes, points);
    fault.where = side;
    for (uint64_t i = 0; i < points; ++i) {
      fault.at_byte = i * bytes / points;
      pay_through(proxy, fault, api_name, with_key);
    }
    fault.at_byte = bytes - 1;
    pay_through(proxy, fault, api_name, with_key);
  }

  void cut_both_sides_of_both(const Fault& fault, uint64_t points, std::string_view api_name,
                              bool with_key) {
    for (FaultProxy* proxy : {&*near_gateway, &*near_api}) {
      for (const Side side : {Side::request, Side::response})
        cut_everywhere(*proxy, side, fault, points, api_name, with_key);
    }
  }

  int calls_ = 0;
  int struck_ = 0;
};

TEST_F(OutcomesAtEveryCut, a_write_with_a_key_is_repeated_and_paid_once) {
  start_egress();
  cut_both_sides_of_both({.kind = Kind::reset, .connections = 1}, 12, keyed, /*with_key=*/true);
  EXPECT_GT(told_["answered"], 40) << "the repeats are of use";
  EXPECT_GT(struck_, 40);
}

TEST_F(OutcomesAtEveryCut, a_write_with_a_key_whose_every_connection_breaks_is_told_as_it_is) {
  start_egress();
  cut_both_sides_of_both({.kind = Kind::reset}, 8, keyed, /*with_key=*/true);
  EXPECT_GT(told_["unknown"], 4);
  EXPECT_GT(told_["not_sent"], 4);
}

TEST_F(OutcomesAtEveryCut, a_write_without_a_key_is_never_doubled) {
  start_egress();
  cut_both_sides_of_both({.kind = Kind::reset}, 16, plain, /*with_key=*/false);
  EXPECT_GT(told_["unknown"], 8);
  EXPECT_GT(told_["not_sent"], 4);
  EXPECT_GT(struck_, 60);
}

TEST_F(OutcomesAtEveryCut, an_orderly_end_in_the_middle_is_no_answer) {
  start_egress();
  cut_both_sides_of_both({.kind = Kind::close}, 8, plain, /*with_key=*/false);
  cut_both_sides_of_both({.kind = Kind::close_half, .connections = 1}, 4, keyed, true);
}

TEST_F(OutcomesAtEveryCut, what_stalls_ends_at_the_deadline) {
  start_egress("deadline = \"200ms\"\n");
  for (const Kind kind : {Kind::stall, Kind::drop})
    cut_both_sides_of_both({.kind = kind}, 4, plain, /*with_key=*/false);
  EXPECT_GT(told_["unknown"], 2);
}

TEST_F(OutcomesAtEveryCut, slices_and_delays_change_nothing) {
  start_egress();
  for (const size_t slice : {1, 7, 512})
    cut_both_sides_of_both({.kind = Kind::delay, .slice = slice}, 1, plain, /*with_key=*/false);
  EXPECT_EQ(told_["unknown"], 0);
  EXPECT_EQ(told_["not_sent"], 0);
}

class JournalAfterACrash : public Outcomes {
 protected:
  void start_journalled() {
    if (!std::filesystem::exists(folder / "journal-key")) {
      const drill::Finished made = must(provider->run({"generate", "store-key"}));
      must(drill::write_private_file(folder / "journal-key", made.output));
    }
    start_egress("deadline = \"2s\"\n",
                 "\n[journal]\npath = \"journal.db\"\nkey_file = \"journal-key\"\n");
  }
  drill::Finished reconcile(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {
        "egress", "reconcile", "--config", folder / "egress.toml", "--output", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return must(provider->run(std::move(arguments)));
  }
  // A payment whose exchange stalls `from_end` bytes before the end of a side; then the egress is
  // killed as by a crash.
  void crash_in_the_middle(Side side, uint64_t from_end, const std::string& reference,
                           std::string_view api_name = keyed) {
    // Again if a busy machine has let it run into its deadline: reconcile settles that too.
    for (int status = 0, tries = 0; status != 201; ++tries) {
      near_gateway->set({});
      const std::string other = reference + "-" + std::to_string(tries);
      const auto told = must(backend->call(pay(keyed, other, /*with_key=*/true))).response;
      if (told.value("Countersign-Attempts") == "1") status = told.status;
    }
    const uint64_t bytes = near_gateway->passed(side);
    near_gateway->set({.where = side, .at_byte = bytes - from_end, .kind = Kind::stall});
    std::thread caller([&] {
      const auto told = backend->call(pay(api_name, reference, /*with_key=*/true));
      EXPECT_FALSE(told) << told->response.body;
    });
    near_gateway->wait_until_struck();
    consumer->process().kill();
    caller.join();
    near_gateway->set({});
  }
};

TEST_F(JournalAfterACrash, reconcile_finds_the_payment_that_was_made) {
  start_journalled();
  crash_in_the_middle(Side::response, 100, "crash-1");
  EXPECT_EQ(recorded("crash-1"), 1);
  start_journalled();
  const drill::Finished done = reconcile({"--wait", "20"});
  EXPECT_EQ(done.exit_code, 0) << done.output << done.errors;
  EXPECT_NE(done.output.find(R"("state": "answered", "status": 201)"), std::string::npos)
      << done.output;
  EXPECT_EQ(recorded("crash-1"), 1);
  const drill::Finished again = reconcile();
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.output, "[]\n");
}

TEST_F(JournalAfterACrash, reconcile_makes_the_payment_that_was_not) {
  start_journalled();
  crash_in_the_middle(Side::request, 100, "crash-2");
  EXPECT_EQ(recorded("crash-2"), 0);
  start_journalled();
  // Twice at once: one of them repeats it.
  drill::Finished one;
  std::thread other([&] { one = reconcile({"--wait", "20"}); });
  const drill::Finished two = reconcile({"--wait", "20"});
  other.join();
  EXPECT_TRUE(one.exit_code == 0 || two.exit_code == 0) << one.output << two.output;
  EXPECT_EQ(reconcile().exit_code, 0);
  EXPECT_EQ(recorded("crash-2"), 1);
}

TEST_F(JournalAfterACrash, what_may_not_be_repeated_is_reported) {
  start_journalled();
  crash_in_the_middle(Side::response, 100, "crash-3", plain);
  const drill::Finished done = reconcile({"--wait", "20"});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_NE(done.output.find("crash-3"), std::string::npos) << done.output;
  EXPECT_NE(done.output.find("does not honour keys"), std::string::npos) << done.output;
  EXPECT_EQ(recorded("crash-3"), 1);
}

TEST_F(JournalAfterACrash, the_same_key_for_another_payment_is_refused_before_it_is_sent) {
  start_journalled();
  ASSERT_EQ(must(backend->call(pay(keyed, "once", true))).response.status, 201);
  http::SimpleRequest other = pay(keyed, "once", true);
  other.body.replace(other.body.find("129900"), 6, "229900");
  const http::SimpleResponse refused = must(backend->call(std::move(other))).response;
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_EQ(drill::json_text_member(refused.body, "reason"), "idempotency_key_reused");
  EXPECT_EQ(drill::json_text_member(refused.body, "source"), "egress");
  EXPECT_EQ(refused.value("Countersign-Outcome"), "not_sent");
  const http::SimpleResponse same = must(backend->call(pay(keyed, "once", true))).response;
  EXPECT_EQ(same.status, 201) << same.body;
  EXPECT_EQ(same.value("Idempotent-Replayed"), "true");
  EXPECT_EQ(recorded("once"), 1);
}

TEST_F(JournalAfterACrash, without_the_journal_no_write_is_sent_and_reads_are) {
  start_journalled();
  ASSERT_EQ(must(backend->call(pay(keyed, "before", true))).response.status, 201);
  // Another process holds the database: it cannot be written.
  const auto held = must(store::Database::open(folder / "journal.db", {.create = false}));
  must(held->execute("BEGIN EXCLUSIVE"));
  const http::SimpleResponse refused = must(backend->call(pay(keyed, "while", true))).response;
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(drill::json_text_member(refused.body, "reason"), "journal_unavailable");
  EXPECT_EQ(refused.value("Countersign-Outcome"), "not_sent");
  EXPECT_EQ(must(backend->call(request("GET", "/keyed/v1/payments"))).response.status, 200);
  must(held->execute("ROLLBACK"));
  EXPECT_EQ(must(backend->call(pay(keyed, "while", true))).response.status, 201);
  EXPECT_EQ(recorded("while"), 1);
}

}  // namespace
}  // namespace countersign::e2e
