// An http::Exchange for unit tests of services: the request is set by the test, the answer is kept
// for it to look at.
//
//   FakeExchange exchange("POST", "/oauth2/token");
//   exchange.field("Content-Type", http::form_content_type).body("grant_type=…");
//   executor.run_until_done(service.serve(exchange));   // or exchange.run(service.serve(exchange))
//   without an executor EXPECT_EQ(exchange.status(), 200);
//
// It never suspends: body pieces are there at once, and every send succeeds until fail_sends().

#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ascii.h"
#include "http/service.h"

namespace countersign::testing {

class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(std::string_view method, std::string_view target)
      : method_(method), target_(target), writer_(head_) {
    refresh();
  }

  // Before it is served: what request() views moves along.
  FakeExchange(FakeExchange&& other) noexcept
      : method_(std::move(other.method_)),
        target_(std::move(other.target_)),
        fields_(std::move(other.fields_)),
        pieces_(std::move(other.pieces_)),
        framing_(other.framing_),
        body_error_(std::move(other.body_error_)),
        sends_fail_(other.sends_fail_),
        peer_(other.peer_),
        writer_(head_) {
    refresh();
  }
  FakeExchange& operator=(FakeExchange&&) = delete;

  // Setting up the request. Views in request() follow.
  FakeExchange& field(std::string_view name, std::string_view value) {
    fields_.emplace_back(std::string(name), std::string(value));
    refresh();
    return *this;
  }
  FakeExchange& body(std::string_view text) {
    pieces_.clear();
    if (!text.empty()) pieces_.emplace_back(text);
    framing_ = http::BodyFraming::of_length(text.size());
    refresh();
    return *this;
  }
  // The same body arriving in parts, by the chunked coding.
  FakeExchange& chunked_body(std::vector<std::string> pieces) {
    pieces_.assign(pieces.begin(), pieces.end());
    framing_ = {http::BodyFraming::Kind::chunked, 0};
    refresh();
    return *this;
  }
  // Reading the body fails after the pieces that were given.
  FakeExchange& failing_body(Error error) {
    body_error_ = std::move(error);
    return *this;
  }
  FakeExchange& fail_sends() {
    sends_fail_ = true;
    return *this;
  }
  FakeExchange& from(std::string_view address) {
    peer_.address.address = IpAddress::parse(address).value();
    return *this;
  }
  // The certificate outlives the exchange.
  FakeExchange& certificate(const crypto::VerifiedPeer* verified) {
    peer_.certificate = verified;
    return *this;
  }

  // Runs a Task that must end without waiting for anything but this exchange.
  static void run(Task<void> task) {
    task.start();
    if (!task.done()) panic("a Task waits for something that the test did not provide");
  }

  // Looking at the answer.
  int status() const { return status_; }
  const std::string& answer() const { return answer_; }
  const std::string& head_text() const { return head_; }
  bool complete() const { return complete_; }
  bool aborted() const { return aborted_; }
  bool closes() const { return closes_; }
  int reads() const { return reads_; }
  // The first response field of this name, in any case; nullopt if there is none.
  std::optional<std::string> response_field(std::string_view name) const {
    const auto all = response_fields(name);
    if (all.empty()) return std::nullopt;
    return all.front();
  }
  std::vector<std::string> response_fields(std::string_view name) const {
    std::vector<std::string> found;
    std::string_view rest = head_;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find("\r\n"), rest.size());
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 2, rest.size()));
      const size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      if (!ascii::equal_ignoring_case(line.substr(0, colon), name)) continue;
      found.emplace_back(ascii::trim(line.substr(colon + 1)));
    }
    return found;
  }

  // http::Exchange
  const http::RequestHead& request() const override { return request_; }
  const http::PeerInfo& peer() const override { return peer_; }
  WallTime now() const override { return from_unix_seconds(1'700'000'000); }
  Task<Result<std::string_view>> read_body() override {
    ++reads_;
    if (!pieces_.empty()) {
      current_ = std::move(pieces_.front());
      pieces_.pop_front();
      co_return std::string_view(current_);
    }
    if (body_error_) co_return fail(*body_error_);
    co_return std::string_view();
  }
  http::HeadWriter& begin_response(int status, http::BodyFraming framing) override {
    status_ = status;
    response_framing_ = framing;
    head_.clear();
    writer_ = http::HeadWriter(head_);
    return writer_;
  }
  Task<Result<void>> send(std::string_view piece, bool last) override {
    if (sends_fail_)
      co_return fail(ErrorKind::unavailable, "http.connection_lost", "The connection is lost.");
    started_ = true;
    answer_ += piece;
    if (last) complete_ = true;
    co_return Result<void>();
  }
  bool response_started() const override { return started_; }
  void close_after_response() override { closes_ = true; }
  void abort() override { aborted_ = true; }

  const http::BodyFraming& response_framing() const { return response_framing_; }

 private:
  void refresh() {
    request_.method = method_;
    request_.target = target_;
    const std::string_view target = target_;
    const size_t mark = target.find('?');
    request_.path = target.substr(0, mark);
    request_.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    request_.fields.clear();
    for (const auto& [name, value] : fields_) request_.fields.push_back({name, value});
    request_.authority = request_.value("Host");
    request_.origin_form = request_.target;
    request_.connection_names_fields = request_.find("Connection") != nullptr;
    request_.framing = framing_;
  }

  std::string method_;
  std::string target_;
  std::deque<std::pair<std::string, std::string>> fields_;
  std::deque<std::string> pieces_;
  http::BodyFraming framing_;
  std::optional<Error> body_error_;
  bool sends_fail_ = false;
  http::PeerInfo peer_;
  http::RequestHead request_;
  std::string current_;

  int status_ = 0;
  http::BodyFraming response_framing_;
  std::string head_;
  http::HeadWriter writer_;
  std::string answer_;
  int reads_ = 0;
  bool started_ = false;
  bool complete_ = false;
  bool aborted_ = false;
  bool closes_ = false;
};

}  // namespace countersign::testing
