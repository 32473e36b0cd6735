#include "counting_issuer.h"

#include <charconv>
#include <stdexcept>
#include <utility>

#include "http/service.h"
#include "net/listener.h"

namespace countersign::chaos {
namespace {

constexpr auto thinking = std::chrono::milliseconds(30);  // time enough to be killed in

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().for_log());
  return *std::move(result);
}

uint64_t take_number(std::string_view& text) {
  uint64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (!text.empty()) text.remove_prefix(1);
  return number;
}

}  // namespace

class CountingIssuer::Service final : public http::Service {
 public:
  Service(CountingIssuer& issuer, net::Loop& loop) : issuer_(issuer), loop_(loop) {}
  Task<void> serve(http::Exchange& exchange) override {
    const auto body = co_await http::collect_body(exchange, 4096);
    if (!body) co_return;
    std::string granted = issuer_.grant(exchange.request().target);
    co_await sleep_for(loop_, thinking);
    static_cast<void>(
        co_await http::respond(exchange, 200, "application/json", std::move(granted)));
  }

 private:
  CountingIssuer& issuer_;
  net::Loop& loop_;
};

CountingIssuer::CountingIssuer()
    : socket_(
          must(net::ListeningSocket::create({.address = must(Endpoint::parse("127.0.0.1:0"))}))) {
  net::ServerOptions options;
  options.endpoints = {{socket_, nullptr}};
  options.threads = 1;
  server_ = must(net::Server::start(
      std::move(options), [this](net::Loop& loop) -> Result<std::unique_ptr<http::Service>> {
        return std::make_unique<Service>(*this, loop);
      }));
}

CountingIssuer::~CountingIssuer() = default;

uint16_t CountingIssuer::port() const {
  return socket_->bound().port;
}

void CountingIssuer::set_lifetime(std::chrono::seconds lifetime) {
  const std::lock_guard lock(mutex_);
  lifetime_ = lifetime;
}

std::optional<pid_t> CountingIssuer::wait_for_asker(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const uint64_t before = asks_;
  if (!asked_.wait_for(lock, patience, [&] { return asks_ != before; })) return std::nullopt;
  return asker_;
}

std::map<uint64_t, int> CountingIssuer::grants() const {
  const std::lock_guard lock(mutex_);
  return grants_;
}

// The target is "/CLAIMED/PROCESS".
std::string CountingIssuer::grant(std::string_view target) {
  std::string_view rest = target.substr(1);
  const uint64_t claimed = take_number(rest);
  const auto process = static_cast<pid_t>(take_number(rest));
  const std::lock_guard lock(mutex_);
  ++grants_[claimed];
  ++asks_;
  asker_ = process;
  asked_.notify_all();
  const auto ends = std::chrono::duration_cast<std::chrono::microseconds>(
      (clock_.boot_now() + lifetime_).time_since_epoch());
  return R"({"access_token":"chaos.)" + std::to_string(claimed) + "." + std::to_string(++serial_) +
         "." + std::to_string(ends.count()) + R"(","token_type":"Bearer","expires_in":)" +
         std::to_string(lifetime_.count()) + "}";
}

}  // namespace countersign::chaos
