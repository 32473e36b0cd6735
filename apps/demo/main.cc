// countersign-demo: what `./x demo` runs.

#include <csignal>
#include <cstdio>

#include <CLI/CLI.hpp>

#include "core/hardening.h"
#include "demo/demo.h"

namespace {

// Set before any thread is started, so that Ctrl-C is taken here and nowhere else.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int run(const countersign::demo::DemoOptions& options, bool once, const sigset_t& stop_signals) {
  countersign::demo::Report report;
  const auto demo = countersign::demo::Demo::start(options, report);
  if (demo) {
    (*demo)->pay_with_every_scheme();
    (*demo)->show_refusals();
  } else {
    report.failed("starting", demo.error());
  }
  if (demo && !once) {
    (*demo)->print_curl_lines();
    int signal = 0;
    sigwait(&stop_signals, &signal);
  }
  std::printf("%s\n", report.json().c_str());
  return report.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Runs a payment provider and a consumer on this machine, pays with every scheme, and shows "
      "what is refused.");
  countersign::demo::DemoOptions options;
  bool once = false;
  app.add_option("--binaries", options.binaries, "folder of the programs")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--payments", options.payments, "folder of the payments to make")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_flag(
      "--once", once,
      "end by itself; the last line is a JSON summary; exit 0 only if all went as it should");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const sigset_t stop_signals = block_stop_signals();
  countersign::harden_process();
  return run(options, once, stop_signals);
}
