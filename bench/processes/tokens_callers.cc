#include "bench/processes/tokens_callers.h"

#include <algorithm>

#include "net/client_pool.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace countersign::bench {
namespace {

constexpr std::chrono::seconds patience{10};

// State of one run_callers(), shared by its callers' tasks.
struct Callers {
  const CallerLoad& load;
  const std::function<void()>& on_warm;
  net::Loop& loop;
  http::Client& client;
  SystemClock clock = {};
  Event warm{loop};
  int cold = load.callers;
  int running = load.callers;
  BootTime end{};
  CallerResult result = {};

  Task<bool> call() {
    const auto answer = co_await http::fetch(client, {.target = "/"}, clock.boot_now() + patience);
    co_return answer && answer->status == 200;
  }

  Task<int> warm_up() {
    static_cast<void>(co_await call());
    if (--cold > 0) {
      co_await warm.wait();
      co_return 0;
    }
    on_warm();
    end = clock.boot_now() + load.duration;
    warm.set();
    co_return 0;
  }

  Task<int> counted_call() {
    const BootTime started = clock.boot_now();
    const bool answered = co_await call();
    const BootClock::duration took = clock.boot_now() - started;
    ++result.calls;
    if (!answered) ++result.failed;
    if (took > load.stall) ++result.stalled;
    const std::chrono::duration<double, std::milli> took_ms = took;
    result.longest_ms = std::max(result.longest_ms, took_ms.count());
    co_await sleep_until(loop, started + load.pace);
    co_return 0;
  }
};

Task<void> run_caller(Callers& callers, int index) {
  co_await callers.warm_up();
  // Spread over the pace: a service's callers do not all begin in the same millisecond.
  const BootClock::duration pace = callers.load.pace;
  co_await sleep_until(callers.loop,
                       callers.clock.boot_now() + pace * index / callers.load.callers);
  while (callers.clock.boot_now() < callers.end) co_await callers.counted_call();
  --callers.running;
}

}  // namespace

Result<CallerResult> run_callers(const Endpoint& egress, const CallerLoad& load,
                                 const std::function<void()>& on_warm) {
  const SystemClock clock;
  CS_TRY(const auto loop, net::Loop::create());
  net::Resolver resolver(clock, {});
  const auto connections = static_cast<size_t>(load.callers);
  net::ClientPool pool(*loop, resolver,
                       {.host = egress.address.to_string(),
                        .port = egress.port,
                        .connections_max = connections,
                        .idle_max = connections});
  Callers callers{.load = load, .on_warm = on_warm, .loop = *loop, .client = pool};
  for (int i = 0; i < load.callers; ++i) loop->spawn(run_caller(callers, i));
  while (callers.running > 0) loop->turn(/*wait=*/true);
  return callers.result;
}

}  // namespace countersign::bench
