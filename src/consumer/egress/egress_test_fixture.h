// An egress of one loop over fake upstreams. For the egress's tests.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "consumer/egress/egress_service.h"
#include "support/fake_client.h"
#include "support/fake_clock.h"
#include "support/fake_entropy.h"
#include "support/fake_exchange.h"
#include "support/test_executor.h"

namespace countersign::consumer {

// Attaches "Test c<generation>"; a refusal with 401 makes the next generation, `ready_after` later.
class FakeScheme final : public Scheme, public ProcessScheme {
 public:
  explicit FakeScheme(Executor& loop) : loop_(loop) {}

  bool attach(const Instant&, Attached& out) override {
    if (!ready) return false;
    value_ = "Test c" + std::to_string(generation);
    out = {.field_name = name, .field_value = value_, .generation = generation, .keep = nullptr};
    return true;
  }
  Task<std::expected<void, NotReady>> wait_ready(BootTime) override {
    if (failure) co_return std::unexpected(*failure);
    co_await sleep_for(loop_, ready_after);
    ready = true;
    co_return std::expected<void, NotReady>();
  }
  AfterRefusal refused(const http::ResponseHead& answer, uint64_t used) override {
    refusals.push_back(used);
    if (answer.status != 401 || !replaces) return AfterRefusal::pass_on;
    ++generation;
    ready = false;
    return AfterRefusal::repeat;
  }
  std::unique_ptr<Scheme> for_loop(Executor&) override { return nullptr; }
  std::string_view field_name() const override { return name; }
  std::string redacted(std::string_view) const override { return "Test … (redacted)"; }

  std::string name = "Authorization";
  uint64_t generation = 1;
  bool ready = true;
  bool replaces = false;
  std::chrono::nanoseconds ready_after{};
  std::optional<NotReady> failure;
  std::vector<uint64_t> refusals;

 private:
  Executor& loop_;
  std::string value_;
};

class MemorySink final : public LogSink {
 public:
  void write(std::string_view lines) noexcept override { text.append(lines); }
  std::string text;
};

class EgressTest : public ::testing::Test {
 protected:
  EgressApi api(std::string name, std::string prefix, testing::FakeClient& upstream) {
    return {.options = {.name = std::move(name), .path_prefix = std::move(prefix)},
            .scheme_name = "test",
            .scheme = &scheme_,
            .process_scheme = &scheme_,
            .upstream = &upstream,
            .policy = &policy_,
            .journal = journal_};
  }
  // One API below "/acme", unless the test brings its own.
  EgressService& egress() {
    if (!service_) egress({api("acme", "/acme", upstream_)});
    return *service_;
  }
  EgressService& egress(std::vector<EgressApi> apis, EgressOptions options = {}) {
    EXPECT_TRUE(check_apis(apis));
    service_.emplace(std::move(apis), loop_, clock_, log_, options);
    return *service_;
  }
  void serve(testing::FakeExchange& exchange, std::chrono::nanoseconds time = {}) {
    loop_.spawn(egress().serve(exchange));
    loop_.advance(time);
    ASSERT_EQ(loop_.tasks_running(), 0u) << "the call has not ended";
  }
  std::string log_text() {
    log_.flush();
    return std::exchange(sink_.text, {});
  }
  static testing::FakeAnswer invalid_token() {
    return {.status = 401, .fields = {{"WWW-Authenticate", R"(Bearer error="invalid_token")"}}};
  }
  static testing::FakeAnswer lost(http::SendState state, bool reused) {
    testing::FakeAnswer answer;
    answer.lost = state;
    answer.reused_connection = reused;
    return answer;
  }

  testing::FakeClock clock_;
  testing::TestExecutor loop_{clock_};
  testing::FakeClient upstream_{loop_};
  FakeScheme scheme_{loop_};
  testing::FakeEntropy entropy_;
  CallPolicy policy_{{.otherwise = {.idempotency_key_honoured = true}}, entropy_};
  EgressJournal* journal_ = nullptr;
  MemorySink sink_;
  AccessLog log_{&sink_};
  std::optional<EgressService> service_;
};

}  // namespace countersign::consumer
