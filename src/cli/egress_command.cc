#include "cli/egress_command.h"

#include <memory>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

#include "cli/egress_admin.h"
#include "cli/egress_config.h"
#include "cli/egress_loops.h"
#include "cli/egress_reload.h"
#include "core/log.h"
#include "net/run_server.h"

namespace countersign::cli {
namespace {

// Destroyed from the last member to the first: what uses the home loop goes before it.
struct Shared {
  explicit Shared(std::unique_ptr<net::LoopThread> home) : process(std::move(home)) {}

  EgressProcess process;
  std::string access_log_path;  // a changed one needs a restart
  net::Fd access_log;
  std::unique_ptr<LogSink> access_sink;
  std::unique_ptr<ProcessJournal> journal;
  std::unique_ptr<ProcessTokenSharing> sharing;
  // Until the loops have it: one that is replaced must go, with its connections and its slot.
  std::shared_ptr<EgressGeneration> generation;
  std::optional<EgressLoops> loops;
  std::optional<EgressAdmin> admin;
  std::optional<EgressReload> reload;
};

Result<net::Fd> open_log_file(const std::string& path) {
  net::Fd file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (file.valid()) return file;
  return fail(ErrorKind::misconfigured, "egress.access_log",
              path + ": cannot be opened for writing");
}

Result<void> open_access_log(Shared& shared) {
  const std::string& path = shared.access_log_path;
  if (path.empty()) return {};
  if (path == "-") {
    shared.access_sink = std::make_unique<DescriptorSink>(STDOUT_FILENO);
    return {};
  }
  CS_TRY(shared.access_log, open_log_file(path));
  shared.access_sink = std::make_unique<DescriptorSink>(shared.access_log.get());
  return {};
}

// After the file was renamed: the loops go on writing to the same descriptor, which is another file
// from here on.
void reopen_access_log(const Shared& shared, const Log& log) {
  if (!shared.access_log.valid()) return;
  const auto file = open_log_file(shared.access_log_path);
  if (!file) {
    log.error("egress.reopen_failed", {{"error", file.error()}});
  } else if (dup3(file->get(), shared.access_log.get(), O_CLOEXEC) < 0) {
    log.error("egress.reopen_failed");
  }
}

// Everything but the log, sockets and threads.
Result<std::unique_ptr<Shared>> make_shared_parts(EgressConfig config) {
  CS_TRY(auto home, net::LoopThread::create());
  auto shared = std::make_unique<Shared>(std::move(home));
  if (config.token_store) {
    CS_TRY(shared->sharing,
           share_tokens(*config.token_store, shared->process.home->loop(), shared->process.clock,
                        shared->process.entropy, process_log()));
    shared->process.sharing = &shared->sharing->slots;
  }
  CS_TRY(shared->generation, EgressGeneration::create(std::move(config), shared->process, 1));
  return shared;
}

// On the main thread, before the home thread runs.
Result<void> start_home(Shared& shared, const Log& log) {
  const std::shared_ptr<EgressGeneration> generation = shared.loops->current();
  if (const auto& admin = generation->config().admin) {
    shared.admin.emplace(*shared.loops, shared.process.home->loop());
    CS_TRY(const std::string address, shared.admin->listen(*admin));
    log.info("egress.admin_listening", {{"address", address}});
  }
  shared.process.home->loop().post([&shared] {
    shared.loops->current()->start();
    shared.reload->start();
  });
  shared.process.home->start();
  return {};
}

Result<net::RunOptions> run_options(Shared& shared, const Log& log) {
  net::RunOptions options;
  const std::shared_ptr<EgressGeneration> generation = shared.loops->current();
  const ServerConfig& server = generation->config().server;
  for (const net::ListenOptions& listener : server.listeners) {
    CS_TRY(auto socket, net::ListeningSocket::create(listener));
    options.server.endpoints.push_back({.socket = std::move(socket)});
  }
  options.server.threads = server.threads;
  options.server.connection_limits = server.connections;
  options.server.serving.limits = server.limits;
  options.drain_patience = server.drain_patience;
  options.on_started = [&shared, &log](net::Server&) { return start_home(shared, log); };
  options.on_reload = [&shared, &log] {
    reopen_access_log(shared, log);
    shared.reload->request();
  };
  options.on_draining = [&shared] { shared.loops->begin_drain(); };
  return options;
}

}  // namespace

Result<void> check_egress(EgressConfig config) {
  CS_CHECK(make_shared_parts(std::move(config)));
  return {};
}

Result<void> run_egress(const CommonOptions& common) {
  const Log& log = process_log();
  CS_TRY(EgressConfig config, load_egress_config(common));
  for (const std::string& place : config.unsafe_options)
    log.warning("egress.unsafe_option", {{"place", place}});
  CS_TRY(const auto owned, make_shared_parts(std::move(config)));
  Shared& shared = *owned;
  shared.access_log_path = shared.generation->config().access_log_path;
  CS_CHECK(open_access_log(shared));
  if (const auto& journal = shared.generation->config().journal) {
    CS_TRY(shared.journal,
           start_journal(*journal, shared.process.clock, shared.process.entropy, log));
    shared.process.journal = &shared.journal->calls;
  }
  shared.loops.emplace(std::move(shared.generation), shared.access_sink.get());
  shared.reload.emplace(common, *shared.loops, shared.process, log);
  CS_TRY(net::RunOptions options, run_options(shared, log));
  auto result = net::run_server("egress", log, std::move(options),
                                [&](net::Loop& loop) -> Result<std::unique_ptr<http::Service>> {
                                  return shared.loops->make_service(loop);
                                });
  shared.process.home->stop();
  return result;
}

}  // namespace countersign::cli
