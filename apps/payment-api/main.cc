// payment-api: the program. Listens on plain HTTP; meant to stand behind the gateway on a loopback
// or private address.

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "core/hardening.h"
#include "core/log.h"
#include "core/worker.h"
#include "net/run_server.h"
#include "payment-api/payment_service.h"

namespace countersign::payment_api {
namespace {

// One thread owns the store, in the order of arrival.
class StoreThread final : public BlockingRunner {
 public:
  StoreThread(Worker& worker, Executor& executor) : worker_(worker), executor_(executor) {}
  Task<Result<void>> run(std::function<void()> work) override {
    co_return co_await run_on<void>(worker_, executor_, [work = std::move(work)]() -> Result<void> {
      work();
      return {};
    });
  }

 private:
  Worker& worker_;
  Executor& executor_;
};

// A loop's service with the runner it uses.
class LoopService final : public http::Service {
 public:
  LoopService(PaymentStore& store, Worker& worker, Executor& executor, bool keys_optional)
      : runner_(worker, executor), service_(store, runner_, keys_optional) {}
  Task<void> serve(http::Exchange& exchange) override { return service_.serve(exchange); }

 private:
  StoreThread runner_;
  PaymentService service_;
};

Result<void> run(const std::string& listen, const std::string& database, int threads,
                 bool keys_optional) {
  const Log& log = process_log();
  const SystemClock clock;
  SystemEntropy entropy;
  CS_TRY(const Endpoint address, Endpoint::parse(listen));
  CS_TRY(const auto store, PaymentStore::open(database, clock, entropy));
  CS_TRY(auto socket, net::ListeningSocket::create({.address = address}));
  std::unique_ptr<Worker> worker;  // its thread starts after the signals are blocked
  net::RunOptions options;
  options.server.endpoints.push_back({.socket = std::move(socket)});
  options.server.threads = threads;
  std::once_flag started;
  return net::run_server("payment_api", log, std::move(options),
                         [&](net::Loop& loop) -> Result<std::unique_ptr<http::Service>> {
                           std::call_once(started, [&] {
                             worker = std::make_unique<Worker>(Worker::Options{.queue_max = 1024});
                           });
                           return std::make_unique<LoopService>(*store, *worker, loop,
                                                                keys_optional);
                         });
}

}  // namespace
}  // namespace countersign::payment_api

int main(int argc, char** argv) {
  CLI::App app(
      "A small payment API: payments and refunds over HTTP, kept in SQLite. See openapi.yaml.");
  std::string listen = "127.0.0.1:9000";
  std::string database;
  int threads = 1;
  app.add_option("--listen", listen,
                 "ADDRESS:PORT; port 0 takes any free one (default 127.0.0.1:9000)");
  app.add_option("--database", database, "the SQLite file; made if missing")->required();
  app.add_option("--threads", threads, "event loops (default 1)")->check(CLI::Range(1, 64));
  bool keys_optional = false;
  app.add_flag("--unsafe-optional-keys", keys_optional,
               "take writes without an Idempotency-Key: a repeat of one pays again");
  app.set_version_flag("--version", COUNTERSIGN_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  countersign::harden_process();
  const auto result = countersign::payment_api::run(listen, database, threads, keys_optional);
  if (result) return 0;
  std::fprintf(stderr, "payment-api: %s\n", result.error().for_log().c_str());
  return 1;
}
