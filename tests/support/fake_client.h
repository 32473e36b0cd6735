// An http::Client whose upstream is a script: each exchange takes the next step, and what was sent
// is kept for the test to look at.
//
//   FakeClient upstream(executor);
//   upstream.then(FakeAnswer{.status = 201, .fields = {{"Content-Type", "application/json"}}, .body
//   = "{}"}); upstream.then(FakeAnswer{.status = 200}.after(std::chrono::seconds(2)));
//   upstream.fails_to_open("net.connect_failed");
//   upstream.otherwise([](const FakeRequest& request) { return FakeAnswer{.body = request.body};
//   }); … EXPECT_EQ(upstream.requests().at(0).value("Authorization"), "Bearer t1");

#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ascii.h"
#include "core/executor.h"
#include "http/client.h"

namespace countersign::testing {

struct FakeRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;  // Host and framing are not among them
  std::string body;
  bool complete = false;
  bool fresh_connection = false;  // was asked for
  BootTime deadline{};

  std::string value(std::string_view name) const {
    for (const auto& [field_name, field_value] : fields) {
      if (ascii::equal_ignoring_case(field_name, name)) return field_value;
    }
    return {};
  }
  size_t count(std::string_view name) const {
    return static_cast<size_t>(std::ranges::count_if(fields, [name](const auto& field) {
      return ascii::equal_ignoring_case(field.first, name);
    }));
  }
};

struct FakeAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string body = {};
  std::chrono::nanoseconds delay{};  // before the head
  bool never = false;                // no answer: the exchange waits for its deadline
  bool endless_body = false;         // `body` again and again
  std::chrono::nanoseconds drip{};   // before each piece of the body
  // Instead of an answer, the connection is lost: before a byte was sent, or after the request.
  std::optional<http::SendState> lost = {};
  bool reused_connection = false;
  bool breaks_off = false;  // the connection is lost behind `body`

  FakeAnswer after(std::chrono::nanoseconds wait) const {
    FakeAnswer answer = *this;
    answer.delay = wait;
    return answer;
  }
};

class FakeClient final : public http::Client {
 public:
  explicit FakeClient(Executor& executor) : executor_(executor) {}

  FakeClient& then(FakeAnswer answer) {
    script_.push_back({std::move(answer), {}});
    return *this;
  }
  FakeClient& fails_to_open(std::string_view code, ErrorKind kind = ErrorKind::unavailable) {
    script_.push_back({{}, make_error(kind, code, "the connection could not be made")});
    return *this;
  }
  // When the script has ended. Without it a test that asks for more aborts.
  FakeClient& otherwise(std::function<FakeAnswer(const FakeRequest&)> answer) {
    otherwise_ = std::move(answer);
    return *this;
  }
  // Connections take this long to be made.
  FakeClient& opens_after(std::chrono::nanoseconds delay) {
    open_delay_ = delay;
    return *this;
  }

  const std::deque<FakeRequest>& requests() const { return requests_; }
  size_t opened() const { return opened_; }
  size_t open_now() const { return open_now_; }
  bool script_done() const { return script_.empty(); }

  Task<Result<std::unique_ptr<http::ClientExchange>>> open(http::OpenOptions options) override;

 private:
  class FakeClientExchange;
  struct Step {
    FakeAnswer answer;
    std::optional<Error> open_error;
  };

  FakeAnswer answer_to(const FakeRequest& request) {
    if (!otherwise_) panic("the test's upstream was asked more often than its script says");
    return otherwise_(request);
  }

  Executor& executor_;
  std::deque<Step> script_;
  std::function<FakeAnswer(const FakeRequest&)> otherwise_;
  std::chrono::nanoseconds open_delay_{};
  std::deque<FakeRequest> requests_;  // a deque: exchanges keep references
  size_t opened_ = 0;
  size_t open_now_ = 0;
};

class FakeClient::FakeClientExchange final : public http::ClientExchange {
 public:
  FakeClientExchange(FakeClient& client, http::OpenOptions options,
                     std::optional<FakeAnswer> answer)
      : client_(client),
        writer_(head_text_),
        answer_(std::move(answer)),
        fresh_(options.fresh_connection),
        deadline_(options.deadline) {
    ++client_.open_now_;
  }
  ~FakeClientExchange() override { --client_.open_now_; }

  http::HeadWriter& begin_request(std::string_view method, std::string_view target,
                                  http::BodyFraming framing) override {
    client_.requests_.push_back({.method = std::string(method),
                                 .target = std::string(target),
                                 .fields = {},
                                 .body = {},
                                 .fresh_connection = fresh_,
                                 .deadline = deadline_});
    request_ = &client_.requests_.back();
    framing_ = framing;
    writer_ = http::HeadWriter(head_text_);
    return writer_;
  }

  Task<Result<void>> send(std::string_view piece, bool last) override {
    if (!head_sent_) {
      CS_CO_CHECK(writer_.finish());
      head_sent_ = true;
      keep_fields();
    }
    if (answer_ && answer_->lost == http::SendState::not_sent) co_return lost();
    state_ = http::SendState::unknown;
    request_->body += piece;
    request_->complete = last;
    co_return Result<void>();
  }
  bool sending_stopped() const override { return false; }

  Task<Result<const http::ResponseHead*>> read_head() override {
    if (!answer_) answer_ = client_.answer_to(*request_);
    if (answer_->lost) co_return lost();
    if (!co_await in_time()) co_return timed_out();
    state_ = http::SendState::answered;
    head_.status = answer_->status;
    for (const auto& [name, value] : answer_->fields) head_.fields.push_back({name, value});
    const bool no_body =
        request_->method == "HEAD" || answer_->status == 204 || answer_->status == 304;
    if (answer_->endless_body || answer_->breaks_off) {
      head_.framing = {http::BodyFraming::Kind::chunked, 0};
    } else if (!no_body) {
      head_.framing = http::BodyFraming::of_length(answer_->body.size());
    }
    body_done_ = head_.framing.kind == http::BodyFraming::Kind::none;
    co_return &head_;
  }

  Task<Result<std::string_view>> read_body() override {
    if (answer_->drip > std::chrono::nanoseconds(0)) {
      const BootTime when = client_.executor_.now() + answer_->drip;
      co_await sleep_until(client_.executor_, std::min(when, deadline_));
      if (when > deadline_) co_return timed_out();
    }
    if (answer_->endless_body) co_return std::string_view(answer_->body);
    if (std::exchange(body_done_, true)) {
      if (answer_->breaks_off) co_return lost();
      co_return std::string_view();
    }
    co_return std::string_view(answer_->body);
  }
  bool body_buffered() override { return true; }

  void set_deadline(BootTime deadline) override { deadline_ = deadline; }
  http::SendState send_state() const override { return state_; }
  bool reused_connection() const override { return answer_ && answer_->reused_connection; }
  const http::PeerInfo& peer() const override { return peer_; }

 private:
  static std::unexpected<Error> lost() {
    return fail(ErrorKind::unavailable, "http.upstream_lost", "the upstream closed the connection");
  }
  static std::unexpected<Error> timed_out() {
    return fail(ErrorKind::timed_out, "http.upstream_timeout", "the upstream took too long");
  }

  Task<bool> in_time() {
    const BootTime when =
        answer_->never ? BootTime::max() : client_.executor_.now() + answer_->delay;
    if (when > deadline_) {
      co_await sleep_until(client_.executor_, deadline_);
      co_return false;
    }
    co_await sleep_until(client_.executor_, when);
    co_return true;
  }

  void keep_fields() {
    std::string_view rest = head_text_;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find("\r\n"), rest.size());
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 2, rest.size()));
      const size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      request_->fields.emplace_back(line.substr(0, colon), ascii::trim(line.substr(colon + 1)));
    }
  }

  FakeClient& client_;
  std::string head_text_;
  http::HeadWriter writer_;
  std::optional<FakeAnswer> answer_;
  bool fresh_;
  BootTime deadline_;
  FakeRequest* request_ = nullptr;
  http::BodyFraming framing_;
  http::ResponseHead head_;
  http::PeerInfo peer_;
  http::SendState state_ = http::SendState::not_sent;
  bool head_sent_ = false;
  bool body_done_ = false;
};

inline Task<Result<std::unique_ptr<http::ClientExchange>>> FakeClient::open(
    http::OpenOptions options) {
  ++opened_;
  if (open_delay_ > std::chrono::nanoseconds(0)) co_await sleep_for(executor_, open_delay_);
  std::optional<FakeAnswer> answer;
  if (!script_.empty()) {
    Step step = std::move(script_.front());
    script_.pop_front();
    if (step.open_error) co_return std::unexpected(*std::move(step.open_error));
    answer = std::move(step.answer);
  }
  co_return std::make_unique<FakeClientExchange>(*this, options, std::move(answer));
}

}  // namespace countersign::testing
