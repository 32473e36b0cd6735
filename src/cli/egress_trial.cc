#include "cli/egress_trial.h"

#include <algorithm>
#include <array>

#include "net/tls_stream.h"

namespace countersign::cli {
namespace {

// TLS 1.3 lets a client finish before the server has judged its certificate (RFC 8446 §4.4.2): a
// refusal follows within a round trip or two. Silence for this long is taken for consent.
constexpr std::chrono::milliseconds refusal_patience{500};

std::unexpected<Error> refused(const Error& cause) {
  return fail(ErrorKind::unauthenticated, "egress.trial_refused",
              "the provider refuses the new identity", cause.for_log());
}

Task<Result<std::unique_ptr<net::SocketStream>>> connect(const EgressApiConfig& config,
                                                         EgressProcess& process,
                                                         BootTime deadline) {
  net::Loop& home = process.home->loop();
  net::Addresses addresses;
  uint16_t port = config.url.port;
  if (config.connect_to) {
    addresses.push_back(config.connect_to->address);
    port = config.connect_to->port;
  } else {
    CS_CO_TRY(addresses, co_await process.resolver.resolve(home, config.url.host, deadline));
  }
  Result<std::unique_ptr<net::SocketStream>> socket;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const auto share = (deadline - home.now()) / static_cast<int64_t>(addresses.size() - i);
    socket = co_await net::connect_tcp(home, {addresses[i], port}, home.now() + share);
    if (socket) break;
  }
  co_return socket;
}

Task<Result<void>> try_handshake(EgressGeneration::Api& api, EgressProcess& process,
                                 BootTime deadline) {
  net::Loop& home = process.home->loop();
  CS_CO_TRY(auto socket, co_await connect(api.config, process, deadline));
  Published<net::TlsClientContext>::Reader context(api.tls);
  auto stream = co_await net::TlsStream::connect(std::move(socket), context.share(), deadline);
  if (!stream) {
    if (stream.error().code == "net.tls_alert") co_return refused(stream.error());
    co_return std::unexpected(std::move(stream).error());
  }
  (*stream)->set_deadline(std::min(deadline, home.now() + refusal_patience));
  const http::WakeReason why = co_await http::readable(**stream);
  if (why == http::WakeReason::closed) co_return refused((*stream)->failure());
  if (why == http::WakeReason::ready) {
    std::array<char, 1> byte{};
    const http::IoResult read = (*stream)->try_read(byte);
    if (read.status == http::IoStatus::failed || read.status == http::IoStatus::end)
      co_return refused((*stream)->failure());
  }
  (*stream)->shutdown_write();
  co_return Result<void>();
}

Task<Result<void>> probe(EgressGeneration::Api& api, EgressProcess& process,
                         consumer::Scheme& scheme, BootTime deadline) {
  net::Loop& home = process.home->loop();
  net::ClientPool pool(home, process.resolver,
                       pool_options(api.config.url, api.config.connect_to, 1), &api.tls);
  consumer::Attached credential;
  if (!scheme.attach({process.clock.boot_now(), process.clock.wall_now()}, credential)) {
    co_return fail(ErrorKind::unavailable, "egress.trial_no_credential",
                   "the new credential ended before it could be tried");
  }
  http::SimpleRequest request{
      .method = "GET", .target = api.config.probe_path, .fields = {}, .body = {}};
  request.fields.emplace_back(credential.field_name, credential.field_value);
  request.response_bytes_max = 1024 * 1024;
  CS_CO_TRY(const http::SimpleResponse answer,
            co_await http::fetch(pool, std::move(request), deadline));
  if (answer.status == 401 || answer.status == 403) {
    co_return refused(make_error(
        ErrorKind::unauthenticated, "egress.probe_refused", "the probe was refused",
        std::to_string(answer.status) + " " + std::string(answer.value("Countersign-Reason"))));
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> try_out(EgressGeneration::Api& api, EgressProcess& process, BootTime deadline) {
  CS_CO_CHECK(co_await try_handshake(api, process, deadline));
  const auto scheme = api.scheme->for_loop(process.home->loop());
  const auto ready = co_await scheme->wait_ready(deadline);
  if (!ready) {
    const Error& error = ready.error().error;
    if (error.kind == ErrorKind::misconfigured) co_return refused(error);
    co_return std::unexpected(error);
  }
  if (!api.config.probe_path.empty()) CS_CO_CHECK(co_await probe(api, process, *scheme, deadline));
  co_return Result<void>();
}

}  // namespace countersign::cli
