// The library's interface (include/countersign/client.h) over its parts.

#include <algorithm>
#include <atomic>
#include <csignal>
#include <utility>

#include <countersign/client.h>
#include <pthread.h>
#include <unistd.h>

#include "client/api_parts.h"
#include "client/lane.h"
#include "client/read_options.h"
#include "core/ascii.h"

namespace countersign::client {
namespace {

// Threads started meanwhile inherit a mask that blocks every signal: the application's handlers run
// on its own threads, and a write to a closed connection raises nothing.
class SignalsBlocked final {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

// The option that an error of the parts is about.
std::string where_of(const Error& error) {
  if (error.code == "net.tls_bad_anchors") return "trust_anchors";
  if (error.code == "net.tls_bad_server_name") return "base_url";
  if (error.code == "net.tls_bad_certificate") return "identity.certificate_chain";
  if (error.code.starts_with("net.tls_")) return "identity.private_key";
  return error.code.starts_with("consumer.") ? "scheme" : "threads";
}

// An option that has a problem already explains what its parts say of it.
bool is_told(const std::vector<Problem>& problems, std::string_view where) {
  const std::string_view option = where.substr(0, where.find('.'));
  return std::ranges::any_of(problems, [option](const Problem& problem) {
    return problem.where.starts_with(option) || problem.where.find(':') != std::string::npos;
  });
}

Outcome called_on_own_thread() {
  return not_sent("cancelled", "client.called_on_own_thread",
                  "call() would wait for its own thread: use async_call(), or a `post` function");
}

}  // namespace

inline namespace v0 {

class COUNTERSIGN_HIDDEN Client::Impl final {
 public:
  static Created create(ReadPlan read);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::shared_ptr<CallState> make_call(Request request, AsyncOptions options);
  bool is_own_thread() const {
    return std::ranges::any_of(lanes_, [](const auto& lane) { return lane->is_this_thread(); });
  }
  bool is_forked() const { return ::getpid() != owner_; }

 private:
  Impl() = default;
  std::vector<Error> build(const ClientPlan& plan);

  const pid_t owner_ = ::getpid();
  SystemClock clock_;
  SystemEntropy entropy_;
  net::Resolver resolver_{clock_, {}};
  std::vector<std::unique_ptr<net::LoopThread>> threads_;  // the first renews tokens
  std::unique_ptr<ApiParts> parts_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<size_t> next_lane_ = 0;
};

// Nothing that it makes runs before all of it is made.
std::vector<Error> Client::Impl::build(const ClientPlan& plan) {
  for (int i = 0; i < plan.threads; ++i) {
    auto thread = net::LoopThread::create();
    if (!thread) return {std::move(thread).error()};
    threads_.push_back(*std::move(thread));
  }
  auto parts = ApiParts::create(plan.api, {.home = threads_.front()->loop(),
                                           .resolver = resolver_,
                                           .clock = clock_,
                                           .entropy = entropy_});
  if (!parts) return std::move(parts).error();
  parts_ = *std::move(parts);
  for (const auto& thread : threads_) {
    lanes_.push_back(
        std::make_unique<Lane>(*thread, *parts_, resolver_, clock_, entropy_,
                               LaneOptions{.deadline = plan.api.deadline,
                                           .response_bytes_max = plan.response_bytes_max,
                                           .policy = plan.policy},
                               owner_));
  }
  return {};
}

Created Client::Impl::create(ReadPlan read) {
  Created created{.client = {}, .problems = std::move(read.problems)};
  ClientPlan& plan = read.plan;
  if (!plan.api.scheme) return created;
  plan.threads = std::clamp(plan.threads, 1, 64);
  const SignalsBlocked blocked;
  auto impl = std::unique_ptr<Impl>(new Impl());
  const size_t told = created.problems.size();
  for (const Error& error : impl->build(plan)) {
    std::string where = where_of(error);
    if (told == 0 || !is_told(created.problems, where))
      created.problems.push_back({std::move(where), error.public_text});
  }
  if (!created.problems.empty()) return created;
  impl->threads_.front()->loop().post([scheme = &impl->parts_->scheme()] { scheme->start(); });
  for (const auto& lane : impl->lanes_) lane->start();
  created.client = Client(std::move(impl));
  return created;
}

Client::Impl::~Impl() {
  if (is_own_thread()) panic("a countersign client was destroyed on one of its own threads");
  for (const auto& lane : lanes_) lane->stop();
}

std::shared_ptr<CallState> Client::Impl::make_call(Request request, AsyncOptions options) {
  const size_t lane = next_lane_.fetch_add(1, std::memory_order_relaxed) % lanes_.size();
  return std::make_shared<CallState>(lanes_[lane]->gate(), std::move(request), std::move(options),
                                     clock_.boot_now());
}

Client::Client(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Client::Client(Client&& other) noexcept = default;

Client& Client::operator=(Client&& other) noexcept {
  Client ended(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}

Client::~Client() {
  // In a child of fork() the threads are not there, and closing would speak on the parent's
  // connections.
  if (impl_ && impl_->is_forked()) static_cast<void>(impl_.release());
}

Created Client::create(ClientOptions options) {
  return Impl::create(read_options(options));
}

Created Client::from_config_file(const std::filesystem::path& file, std::string_view api_name,
                                 ClientOptions base) {
  return Impl::create(read_file(file, api_name, base));
}

Outcome Client::call(Request request, CallOptions options) const {
  if (!impl_) return outcome_of(Gate::Passage::closed);
  if (impl_->is_own_thread()) return called_on_own_thread();
  const auto state = impl_->make_call(std::move(request), AsyncOptions{std::move(options), {}});
  return state->start({}) ? state->wait() : state->take_outcome();
}

PendingCall Client::async_call(Request request, AsyncOptions options) const {
  if (!impl_) return PendingCall(nullptr);
  return PendingCall(impl_->make_call(std::move(request), std::move(options)));
}

PendingCall::PendingCall(std::shared_ptr<CallState> state) noexcept : state_(std::move(state)) {}
PendingCall::PendingCall(PendingCall&& other) noexcept = default;

PendingCall::~PendingCall() {
  if (state_) state_->abandon();
}

bool PendingCall::await_suspend(std::coroutine_handle<> waiting) {
  const std::shared_ptr<CallState> state = state_;  // this may be gone as soon as it has started
  return state && state->start(waiting);
}

Outcome PendingCall::await_resume() {
  return state_ ? state_->take_outcome() : outcome_of(Gate::Passage::closed);
}

std::string Created::text() const {
  std::string text;
  for (const Problem& problem : problems)
    text += (text.empty() ? "" : "\n") + problem.where + ": " + problem.text;
  return text;
}

std::string_view name_of(OutcomeKind kind) noexcept {
  switch (kind) {
    case OutcomeKind::not_sent:
      return "not_sent";
    case OutcomeKind::answered:
      return "answered";
    case OutcomeKind::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view Outcome::value(std::string_view name) const noexcept {
  for (const Field& field : fields) {
    if (ascii::equal_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

}  // namespace v0
}  // namespace countersign::client
