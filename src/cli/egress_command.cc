#include "cli/egress_command.h"

#include <memory>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "cli/egress_config.h"
#include "client/api_parts.h"
#include "core/log.h"
#include "net/client_pool.h"
#include "net/loop_thread.h"
#include "net/run_server.h"

namespace countersign::cli {
namespace {

// One API's parts that all loops share. Destroyed after the loops, and after the home thread has
// stopped.
struct SharedApi {
  const EgressApiConfig* config = nullptr;
  std::unique_ptr<client::ApiParts> parts;
};

struct Shared {
  Shared(EgressConfig loaded, std::unique_ptr<net::LoopThread> thread)
      : config(std::move(loaded)), home(std::move(thread)) {}

  EgressConfig config;
  SystemClock clock;
  SystemEntropy entropy;
  net::Resolver resolver{clock, {}};
  net::Fd access_log;
  std::unique_ptr<LogSink> access_sink;
  std::unique_ptr<net::LoopThread> home;  // renews tokens
  std::unique_ptr<consumer::JournalWriter> journal_writer;
  std::unique_ptr<consumer::EgressJournal> journal;  // null: writes are not journalled
  std::vector<std::unique_ptr<SharedApi>> apis;
};

Result<std::unique_ptr<SharedApi>> make_api(const EgressApiConfig& config, Shared& shared) {
  auto api = std::make_unique<SharedApi>();
  api->config = &config;
  auto parts = client::ApiParts::create(config, {.home = shared.home->loop(),
                                                 .resolver = shared.resolver,
                                                 .clock = shared.clock,
                                                 .entropy = shared.entropy});
  if (!parts) {
    Error all = parts.error().front();
    for (size_t i = 1; i < parts.error().size(); ++i)
      all.public_text += "; " + parts.error()[i].public_text;
    return fail(std::move(all));
  }
  api->parts = *std::move(parts);
  return api;
}

// One loop's ways to the APIs.
class LoopApis final {
 public:
  LoopApis(Shared& shared, net::Loop& loop) {
    for (const auto& api : shared.apis) {
      const EgressApiConfig& config = *api->config;
      pools_.push_back(api->parts->make_pool(loop, shared.resolver));
      schemes_.push_back(api->parts->scheme().for_loop(loop));
      policies_.push_back(std::make_unique<consumer::CallPolicy>(config.calls, shared.entropy));
      apis_.push_back({.options = config.options,
                       .scheme_name = std::string(config.scheme->name),
                       .scheme = schemes_.back().get(),
                       .process_scheme = &api->parts->scheme(),
                       .upstream = pools_.back().get(),
                       .policy = policies_.back().get(),
                       .journal = shared.journal.get()});
    }
  }
  const std::vector<consumer::EgressApi>& apis() const { return apis_; }

 private:
  std::vector<std::unique_ptr<net::ClientPool>> pools_;
  std::vector<std::unique_ptr<consumer::Scheme>> schemes_;
  std::vector<std::unique_ptr<consumer::CallPolicy>> policies_;
  std::vector<consumer::EgressApi> apis_;
};

// One loop's egress with all that is its alone.
class LoopEgress final : public http::Service {
 public:
  LoopEgress(Shared& shared, net::Loop& loop)
      : loop_(loop),
        access_log_(shared.access_sink.get()),
        apis_(shared, loop),
        service_(apis_.apis(), loop, shared.clock, access_log_, shared.config.egress) {}

  Task<void> serve(http::Exchange& exchange) override {
    co_await service_.serve(exchange);
    flush_at_end_of_turn();
  }

 private:
  // All lines of a turn leave in one write.
  void flush_at_end_of_turn() {
    if (flush_due_ || !access_log_.enabled()) return;
    flush_due_ = true;
    loop_.at_end_of_turn([this] {
      flush_due_ = false;
      access_log_.flush();
    });
  }

  net::Loop& loop_;
  consumer::AccessLog access_log_;
  LoopApis apis_;
  consumer::EgressService service_;
  bool flush_due_ = false;
};

Result<void> open_access_log(Shared& shared) {
  const std::string& path = shared.config.access_log_path;
  if (path.empty()) return {};
  if (path == "-") {
    shared.access_sink = std::make_unique<DescriptorSink>(STDOUT_FILENO);
    return {};
  }
  shared.access_log = net::Fd(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (shared.access_log.get() < 0) {
    return fail(ErrorKind::misconfigured, "egress.access_log",
                path + ": cannot be opened for writing");
  }
  shared.access_sink = std::make_unique<DescriptorSink>(shared.access_log.get());
  return {};
}

Result<void> start_journal(Shared& shared) {
  if (!shared.config.journal) return {};
  const JournalConfig& config = *shared.config.journal;
  CS_TRY(auto journal, open_journal(config, shared.clock));
  shared.journal_writer = std::make_unique<consumer::JournalWriter>(
      std::move(journal), shared.clock, process_log(), config.writer);
  shared.journal = std::make_unique<consumer::EgressJournal>(
      *shared.journal_writer, *config.key, config.key_version, shared.entropy, config.calls);
  return {};
}

// Everything but the log, sockets and threads. Prefixes are checked as the service wants them.
Result<std::unique_ptr<Shared>> make_shared_parts(EgressConfig config) {
  CS_TRY(auto home, net::LoopThread::create());
  auto shared = std::make_unique<Shared>(std::move(config), std::move(home));
  std::vector<consumer::EgressApi> prefixes;
  for (const EgressApiConfig& api : shared->config.apis)
    prefixes.push_back({.options = api.options});
  CS_CHECK(consumer::check_apis(prefixes));
  for (const EgressApiConfig& api : shared->config.apis) {
    CS_TRY(auto made, make_api(api, *shared));
    shared->apis.push_back(std::move(made));
  }
  return shared;
}

}  // namespace

Result<void> check_egress(EgressConfig config) {
  CS_TRY(const auto shared, make_shared_parts(std::move(config)));
  shared->apis.clear();  // before the loop that they use
  return {};
}

Result<void> with_egress_apis(
    EgressConfig config,
    const std::function<Result<void>(net::Loop&, std::vector<consumer::EgressApi>)>& use) {
  CS_TRY(const auto shared, make_shared_parts(std::move(config)));
  CS_TRY(const auto loop, net::Loop::create());
  for (const auto& api : shared->apis)
    api->parts->scheme().start();  // before its loop's thread runs
  shared->home->start();
  Result<void> result;
  {
    const LoopApis apis(*shared, *loop);
    result = use(*loop, apis.apis());
  }
  shared->home->stop();
  shared->apis.clear();  // before the loop that they use
  return result;
}

Result<void> run_egress(const CommonOptions& common) {
  const Log& log = process_log();
  CS_TRY(EgressConfig config, load_egress_config(common));
  for (const std::string& place : config.unsafe_options)
    log.warning("egress.unsafe_option", {{"place", place}});
  CS_TRY(const auto owned, make_shared_parts(std::move(config)));
  Shared& shared = *owned;
  CS_CHECK(open_access_log(shared));
  CS_CHECK(start_journal(shared));
  net::RunOptions options;
  const ServerConfig& server = shared.config.server;
  for (const net::ListenOptions& listener : server.listeners) {
    CS_TRY(auto socket, net::ListeningSocket::create(listener));
    options.server.endpoints.push_back({.socket = std::move(socket)});
  }
  options.server.threads = server.threads;
  options.server.connection_limits = server.connections;
  options.server.serving.limits = server.limits;
  options.drain_patience = server.drain_patience;
  options.on_started = [&](net::Server&) -> Result<void> {
    for (const auto& api : shared.apis) {
      shared.home->loop().post([scheme = &api->parts->scheme()] { scheme->start(); });
    }
    shared.home->start();
    return {};
  };
  auto result = net::run_server("egress", log, std::move(options),
                                [&](net::Loop& loop) -> Result<std::unique_ptr<http::Service>> {
                                  return std::make_unique<LoopEgress>(shared, loop);
                                });
  shared.home->stop();
  shared.apis.clear();  // schemes and pools go before the loop that they used
  return result;
}

}  // namespace countersign::cli
