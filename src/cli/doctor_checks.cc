#include "cli/doctor_checks.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/doctor_advice.h"
#include "crypto/trust_store.h"
#include "net/route.h"
#include "protocol/decision_id.h"
#include "protocol/metadata.h"
#include "protocol/reason.h"

namespace countersign::cli {
namespace {

using std::chrono::seconds;

std::string milliseconds_text(BootClock::duration took) {
  return fmt::format("{:.1f} ms", std::chrono::duration<double, std::milli>(took).count());
}

std::string join(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string names_of(const crypto::SubjectAltNames& names) {
  std::vector<std::string> all = names.dns;
  for (const IpAddress& ip : names.ips) all.push_back(ip.to_string());
  return all.empty() ? "no name" : join(all);
}

bool is_refused_certificate(const Error& error) {
  return error.code == "net.tls_alert" ||
         error.private_detail.find("net.tls_alert") != std::string::npos;
}

}  // namespace

ApiDoctor::ApiDoctor(const EgressApiConfig& api, DoctorOptions options, net::Loop& loop,
                     net::Resolver& resolver, const Clock& clock, Entropy& entropy)
    : api_(api),
      options_(std::move(options)),
      loop_(loop),
      resolver_(resolver),
      clock_(clock),
      entropy_(entropy) {}

void ApiDoctor::add(Finding finding) {
  findings_.push_back(std::move(finding));
}

void ApiDoctor::add(std::string check, Verdict verdict, std::string found, std::string advice) {
  add(Finding{std::move(check), verdict, std::move(found), std::move(advice)});
}

void ApiDoctor::add_failure(std::string check, const Error& error) {
  add(std::move(check), Verdict::failed, error.for_log(), std::string(advice_for(error)));
}

void ApiDoctor::skip(std::string check, std::string why) {
  add(std::move(check), Verdict::skipped, std::move(why));
}

bool ApiDoctor::issuer_elsewhere() const {
  return api_.issuer &&
         (api_.issuer->origin() != api_.url.origin() || api_.issuer_connect_to != api_.connect_to);
}

Task<void> ApiDoctor::examine() {
  check_certificate();
  check_anchors(api_host());
  bool reached = co_await reach(api_host());
  if (issuer_elsewhere()) {
    check_anchors(issuer_host());
    reached = co_await reach(issuer_host()) && reached;
  }
  if (reached) {
    co_await call();
  } else {
    skip("call", "the network or TLS failed above");
  }
}

void ApiDoctor::check_certificate() {
  if (!api_.tls.identity) {
    skip("certificate", "no client certificate is configured");
    return;
  }
  const auto chain = crypto::parse_certificates_pem(api_.tls.identity->certificate_chain_pem);
  if (!chain) return add_failure("certificate", chain.error());
  add(judge_validity("certificate", chain->front(), "own certificate", clock_.wall_now()));
}

void ApiDoctor::check_anchors(const Host& host) {
  const auto store = crypto::TrustStore::from_pem(host.tls.server_anchors_pem);
  if (!store) return add_failure(host.prefix + "trust", store.error());
  for (const crypto::Certificate& anchor : store->anchors())
    add(judge_validity(host.prefix + "trust", anchor, "trusted CA", clock_.wall_now()));
}

Task<bool> ApiDoctor::reach(Host host) {
  const std::optional<Endpoint> endpoint = co_await find_address(host);
  if (!endpoint) {
    skip(host.prefix + "tls", "there is no connection");
    co_return false;
  }
  co_return co_await connect(host, *endpoint);
}

// The first address that answers, as a call would choose it.
Task<std::optional<Endpoint>> ApiDoctor::find_address(Host host) {
  net::Addresses addresses;
  uint16_t port = host.url.port;
  if (host.connect_to) {
    skip(host.prefix + "dns", "connect_to gives the address " + host.connect_to->to_string());
    addresses.push_back(host.connect_to->address);
    port = host.connect_to->port;
  } else {
    auto found = co_await resolver_.resolve(loop_, host.url.host, deadline());
    if (!found) {
      add_failure(host.prefix + "dns", found.error());
      co_return std::nullopt;
    }
    addresses = *std::move(found);
    std::vector<std::string> texts;
    for (const IpAddress& address : addresses) texts.push_back(address.to_string());
    add(host.prefix + "dns", Verdict::ok, host.url.host + " is " + join(texts));
  }
  for (const IpAddress& address : addresses) {
    const Endpoint endpoint{address, port};
    const auto route = net::find_route(address);
    if (!route) {
      add_failure(host.prefix + "route", route.error());
      continue;
    }
    add(host.prefix + "route", Verdict::ok,
        fmt::format("{} from {} ({})", address.to_string(), route->from.to_string(),
                    route->interface.empty() ? "unknown interface" : route->interface));
    const BootTime started = clock_.boot_now();
    const auto socket = co_await net::connect_tcp(loop_, endpoint, deadline());
    if (socket) {
      add(host.prefix + "tcp", Verdict::ok,
          fmt::format("{} accepts, {}", endpoint.to_string(),
                      milliseconds_text(clock_.boot_now() - started)));
      co_return endpoint;
    }
    add_failure(host.prefix + "tcp", socket.error());
  }
  co_return std::nullopt;
}

Task<bool> ApiDoctor::connect(Host host, Endpoint to) {
  const auto context = net::TlsClientContext::create(host.tls);
  if (!context) {
    add_failure(host.prefix + "tls", context.error());
    co_return false;
  }
  auto socket = co_await net::connect_tcp(loop_, to, deadline());
  if (!socket) {
    add_failure(host.prefix + "tls", socket.error());
    co_return false;
  }
  const BootTime started = clock_.boot_now();
  const auto stream = co_await net::TlsStream::connect(*std::move(socket), *context, deadline());
  if (!stream) {
    add_failure(host.prefix + "tls", stream.error());
    co_return false;
  }
  describe_server(host, **stream, milliseconds_text(clock_.boot_now() - started));
  co_return true;
}

void ApiDoctor::describe_server(const Host& host, const net::TlsStream& stream, std::string took) {
  const crypto::Certificate& certificate = stream.peer().certificate->certificate();
  add(host.prefix + "tls", Verdict::ok,
      fmt::format("{}, {}; the certificate names {} and comes from \"{}\"",
                  stream.protocol_version(), took, names_of(certificate.names),
                  certificate.issuer));
  const std::string pin = encode_base64(certificate.spki_sha256);
  if (host.tls.spki_pins.empty()) {
    add(host.prefix + "pins", Verdict::ok,
        "none configured; the server's key would be pins = [\"" + pin + "\"]");
  } else {
    add(host.prefix + "pins", Verdict::ok,
        fmt::format("{} of {} pins is the server's key", pin, host.tls.spki_pins.size()));
  }
  add(judge_validity(host.prefix + "server certificate", certificate, "the server's certificate",
                     clock_.wall_now()));
}

// RFC 8446 §4.6: a server that refuses a client certificate says so after the client has finished,
// so the first answer is the proof that it was accepted.
bool ApiDoctor::heard(const Host& host, const Result<http::SimpleResponse>& answer) {
  if (std::ranges::count(certificate_judged_, host.prefix) > 0) return answer.has_value();
  certificate_judged_.push_back(host.prefix);
  const std::string check = host.prefix + "client certificate";
  if (!host.tls.identity) {
    skip(check, "none is configured");
  } else if (answer) {
    add(check, Verdict::ok, "not refused");
  } else if (is_refused_certificate(answer.error())) {
    add_failure(check, answer.error());
  } else {
    skip(check, "no answer came");
  }
  return answer.has_value();
}

void ApiDoctor::check_clock(std::string_view date, WallTime asked) {
  if (!std::exchange(clock_checked_, true)) add(judge_clock(date, asked, clock_.wall_now()));
}

std::unique_ptr<net::ClientPool> ApiDoctor::pool_to(const Host& host,
                                                    const Published<net::TlsClientContext>& tls) {
  net::ClientPoolOptions options;
  options.host = host.url.host;
  options.port = host.url.port;
  if (host.connect_to) {
    options.host = host.connect_to->address.to_string();
    options.port = host.connect_to->port;
  }
  options.authority = host.url.authority();
  options.connections_max = 4;
  return std::make_unique<net::ClientPool>(loop_, resolver_, std::move(options), &tls);
}

Task<void> ApiDoctor::call() {
  Published<net::TlsClientContext> tls;
  Published<net::TlsClientContext> issuer_tls;
  auto context = net::TlsClientContext::create(api_.tls);
  if (!context) co_return add_failure("tls", context.error());
  tls.publish(*std::move(context));
  std::unique_ptr<net::ClientPool> issuer;
  if (api_.issuer) {
    auto issuer_context = net::TlsClientContext::create(api_.issuer_tls);
    if (!issuer_context) co_return add_failure("issuer tls", issuer_context.error());
    issuer_tls.publish(*std::move(issuer_context));
    issuer = pool_to(issuer_host(), issuer_tls);
    co_await discover(*issuer);
  }
  const auto scheme =
      consumer::make_scheme(api_.scheme->name, api_.settings,
                            {.home = loop_,
                             .clock = clock_,
                             .entropy = entropy_,
                             .issuer = issuer.get(),
                             .certificate_thumbprint = api_.certificate_thumbprint});
  if (!scheme) co_return add_failure("credential", scheme.error());
  const auto attacher = (*scheme)->for_loop(loop_);
  if (!co_await obtain_credential(*attacher, **scheme)) {
    co_return skip("call", "there is no credential");
  }
  const auto pool = pool_to(api_host(), tls);
  consumer::Attached credential;
  if (!attacher->attach(now(), credential)) {
    co_return skip("call", "the credential ended before it could be used");
  }
  co_await get(*pool, credential);
}

Task<void> ApiDoctor::discover(http::Client& issuer) {
  if (!api_.settings.text_or("token_path", "").empty()) {
    co_return skip("discovery", "token_path is configured");
  }
  const std::string name = api_.settings.text_or("issuer", "");
  const auto path = protocol::well_known_path(name);
  if (!path) co_return add_failure("discovery", path.error());
  const WallTime asked = clock_.wall_now();
  const auto answer = co_await http::fetch(
      issuer, {.target = *path, .fields = {{"Accept", "application/json"}}, .body = {}},
      deadline());
  if (!heard(issuer_elsewhere() ? issuer_host() : api_host(), answer)) {
    co_return add_failure("discovery", answer.error());
  }
  check_clock(answer->value("Date"), asked);
  if (answer->status != 200) {
    co_return add_failure(
        "discovery",
        make_error(ErrorKind::unavailable, "consumer.no_metadata", "the issuer gave no metadata",
                   fmt::format("{} answers {}", *path, answer->status)));
  }
  const auto metadata = protocol::parse_metadata(answer->body, name);
  if (!metadata) co_return add_failure("discovery", metadata.error());
  add("discovery", Verdict::ok, "token endpoint " + metadata->token_endpoint);
}

Task<bool> ApiDoctor::obtain_credential(consumer::Scheme& scheme,
                                        const consumer::ProcessScheme& process) {
  const BootTime started = clock_.boot_now();
  const std::string check = process.slot() ? "token" : "credential";
  consumer::Attached attached;
  if (!scheme.attach(now(), attached)) {
    const auto ready = co_await scheme.wait_ready(deadline());
    if (!ready) {
      add_failure(check, ready.error().error);
      co_return false;
    }
    if (!scheme.attach(now(), attached)) {
      add(check, Verdict::failed, "it ended on arrival",
          "Compare this machine's clock with the issuer's.");
      co_return false;
    }
  }
  std::string found =
      std::string(attached.field_name) + ": " + process.redacted(attached.field_value);
  if (const consumer::TokenSlot* slot = process.slot(); slot && slot->state()->token) {
    const auto left = slot->state()->token->expires.boot - clock_.boot_now();
    found +=
        fmt::format(", obtained in {}, {} s left", milliseconds_text(clock_.boot_now() - started),
                    std::chrono::floor<seconds>(left).count());
  }
  add(check, Verdict::ok, std::move(found));
  co_return true;
}

Task<void> ApiDoctor::get(http::Client& client, const consumer::Attached& credential) {
  http::SimpleRequest request{.target = options_.path, .fields = {}, .body = {}};
  request.fields.emplace_back(credential.field_name, credential.field_value);
  request.response_bytes_max = 1024 * 1024;
  const WallTime asked = clock_.wall_now();
  const auto answer = co_await http::fetch(client, std::move(request), deadline());
  if (!heard(api_host(), answer)) co_return add_failure("call", answer.error());
  check_clock(answer->value("Date"), asked);
  judge(*answer);
}

void ApiDoctor::judge(const http::SimpleResponse& answer) {
  std::string found = fmt::format("GET {} is answered {} {}", options_.path, answer.status,
                                  http::reason_phrase(answer.status));
  const std::string_view code = answer.value("Countersign-Reason");
  const auto reason = protocol::parse_reason(code);
  if (reason) found += fmt::format(", reason {}", code);
  const std::string_view decision = answer.value(protocol::decision_id_field);
  if (protocol::DecisionId::parse(decision)) found += fmt::format(", decision {}", decision);
  if (answer.status < 400) return add("call", Verdict::ok, std::move(found));
  // What the API does not know or does not do at this path, it says to whom it has let in.
  if (answer.status == 404 || answer.status == 405) {
    return add("call", Verdict::warning, std::move(found),
               "The credential was accepted, the path is none of the API's: give one that can be "
               "read, with --path.");
  }
  std::string advice = reason ? std::string(protocol::row_of(*reason).advice)
                              : "Ask the provider what this status means for this credential.";
  add("call", Verdict::failed, std::move(found), std::move(advice));
}

}  // namespace countersign::cli
