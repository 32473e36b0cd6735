#include "drill/caller.h"

namespace countersign::drill {

Result<std::unique_ptr<Caller>> Caller::create(CallerOptions options) {
  auto caller = std::unique_ptr<Caller>(new Caller(std::move(options)));
  const CallerOptions& kept = caller->options_;
  CS_TRY(caller->loop_, net::Loop::create());
  if (kept.tls) {
    CS_TRY(auto context, net::TlsClientContext::create(*kept.tls));
    caller->tls_.publish(std::move(context));
  }
  net::ClientPoolOptions pool{.host = kept.server.address.to_string(), .port = kept.server.port};
  pool.authority = kept.authority.empty() ? kept.server.to_string() : kept.authority;
  caller->pool_ = std::make_unique<net::ClientPool>(
      *caller->loop_, caller->resolver_, std::move(pool), kept.tls ? &caller->tls_ : nullptr);
  return caller;
}

Caller::~Caller() = default;

Result<Answer> Caller::call(http::SimpleRequest request) {
  loop_->turn(/*wait=*/false);  // hears of connections that were closed since the last call
  const BootTime started = clock_.boot_now();
  CS_TRY(
      http::SimpleResponse response,
      loop_->run_until_done(http::fetch(*pool_, std::move(request), started + options_.patience)));
  return Answer{std::move(response),
                std::chrono::duration_cast<std::chrono::microseconds>(clock_.boot_now() - started)};
}

}  // namespace countersign::drill
