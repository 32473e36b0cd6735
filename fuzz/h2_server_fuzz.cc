// Whatever a peer sends behind HTTP/2's preface, in one piece or in many: no crash, no leak, every
// call ends, and what reaches a Service is what HTTP/1.1 would have let through. The first byte
// says how the rest is cut; time passes between the pieces.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/executor.h"
#include "http/h2_session.h"
#include "http/memory_stream.h"
#include "http/server_connection.h"
#include "http/target.h"
#include "support/raw_peer.h"
#include "support/test_executor.h"

namespace {

using namespace countersign;
using namespace countersign::http;

class EchoService final : public Service {
 public:
  Task<void> serve(Exchange& exchange) override {
    const RequestHead& head = exchange.request();
    if (!is_token(head.method) || head.method == "CONNECT") std::abort();
    if (!is_authority(head.authority) || !is_target_text(head.target)) std::abort();
    for (const Field& field : head.fields) {
      if (!is_token(field.name) || !is_field_value(field.value)) std::abort();
      if (field.name == "connection" || field.name == "transfer-encoding") std::abort();
    }
    const auto body = co_await collect_body(exchange, 64 * 1024);
    if (!body) co_return;
    static_cast<void>(co_await respond(exchange, 200, "text/plain", *body));
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t step = data[0] == 0 ? size : data[0];
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  testing::FakeClock clock;
  testing::TestExecutor executor(clock);
  EchoService service;
  ServerLimits limits;
  limits.http2 = true;
  const ServerState state;
  ConnectionStatus status;
  auto [server, client] = make_memory_streams(executor);
  testing::RawPeer peer(std::move(client), executor);
  executor.spawn(serve_connection(*server, service, executor, limits, state, status));
  peer.write(h2_preface);
  while (!input.empty()) {
    peer.write(input.substr(0, step));
    input.remove_prefix(std::min(step, input.size()));
    static_cast<void>(peer.read());
    executor.advance(std::chrono::milliseconds(100));
  }
  peer.close();
  executor.advance(std::chrono::minutes(10));
  if (executor.tasks_running() != 0) std::abort();
  return 0;
}
