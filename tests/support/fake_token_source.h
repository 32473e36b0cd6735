// A consumer::TokenSource that answers from a script. Header only: used by the consumer's tests
// alone.

#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "consumer/token_source.h"
#include "core/executor.h"

namespace countersign::testing {

struct FakeGrant {
  std::string token;
  std::optional<std::chrono::seconds> lifetime;
  std::chrono::nanoseconds delay{};
  std::optional<consumer::Instant> counted_from = std::nullopt;
};

struct FakeFailure {
  bool permanent = false;
  std::optional<std::chrono::seconds> retry_after = std::nullopt;
};

class FakeTokenSource final : public consumer::TokenSource {
 public:
  using Answer = std::variant<FakeGrant, FakeFailure>;

  explicit FakeTokenSource(Executor& executor) : executor_(executor) {}

  FakeTokenSource& grants(std::string token, std::optional<std::chrono::seconds> lifetime,
                          std::chrono::nanoseconds delay = {}) {
    script_.push_back(FakeGrant{.token = std::move(token), .lifetime = lifetime, .delay = delay});
    return *this;
  }
  FakeTokenSource& fails(FakeFailure failure = {}) {
    script_.push_back(failure);
    return *this;
  }
  // Behind the script.
  FakeTokenSource& on_ask(std::function<Answer()> answer) {
    otherwise_ = std::move(answer);
    return *this;
  }
  FakeTokenSource& otherwise_fails() {
    return on_ask([] { return FakeFailure{}; });
  }
  FakeTokenSource& otherwise_grants(std::string token, std::chrono::seconds lifetime) {
    return on_ask([token = std::move(token), lifetime] {
      return FakeGrant{.token = token, .lifetime = lifetime};
    });
  }

  int asked() const { return asked_; }
  int under_way() const { return under_way_; }
  BootTime last_deadline() const { return last_deadline_; }
  bool last_refused() const { return last_refused_; }

  Task<std::expected<consumer::TokenGrant, consumer::TokenFailure>> fetch(
      consumer::FetchRequest request) override {
    const Presence presence(under_way_);
    ++asked_;
    last_deadline_ = request.deadline;
    last_refused_ = request.last_refused;
    const Answer answer = next();
    if (const auto* failure = std::get_if<FakeFailure>(&answer)) {
      co_return std::unexpected(consumer::TokenFailure{
          .error =
              make_error(failure->permanent ? ErrorKind::misconfigured : ErrorKind::unavailable,
                         "test.no_token", "the script says no"),
          .permanent = failure->permanent,
          .retry_after = failure->retry_after});
    }
    const auto& grant = std::get<FakeGrant>(answer);
    if (grant.delay > std::chrono::nanoseconds(0)) co_await sleep_for(executor_, grant.delay);
    co_return consumer::TokenGrant{.access_token = Secret::copy_of(grant.token),
                                   .lifetime = grant.lifetime,
                                   .counted_from = grant.counted_from};
  }

 private:
  class Presence {
   public:
    explicit Presence(int& count) : count_(count) { ++count_; }
    ~Presence() { --count_; }
    Presence(const Presence&) = delete;

   private:
    int& count_;
  };

  Answer next() {
    if (script_.empty()) {
      if (!otherwise_) panic("the test's issuer was asked more often than its script says");
      return otherwise_();
    }
    Answer answer = std::move(script_.front());
    script_.pop_front();
    return answer;
  }

  Executor& executor_;
  std::deque<Answer> script_;
  std::function<Answer()> otherwise_;
  int asked_ = 0;
  int under_way_ = 0;
  BootTime last_deadline_{};
  bool last_refused_ = false;
};

}  // namespace countersign::testing
