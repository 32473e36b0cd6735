// Identity switch: certificate, private key, CA bundle and API key of a running egress are replaced
// together while 2,000 requests a second pass it, half of them with the API key and half with a
// token that is bound to the certificate. The provider sees who comes: its audit log has the
// certificate of each call, and the connections of before are looked for in /proc/net/tcp.

#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "bench/processes/paced_load.h"
#include "bench/processes/setup.h"
#include "core/text_file.h"

namespace countersign::bench {
namespace {

using std::chrono::seconds;

constexpr int rate = 2'000;
constexpr int switches = 2;
constexpr seconds before_switch{2};
// Calls that had begun before a switch take milliseconds.
constexpr seconds drain{1};
constexpr seconds after_drain{1};

struct Switched {
  uint64_t old_connections = 0;  // of before the switch, and still there after the drain
  uint64_t old_calls = 0;        // after the drain, with the old certificate
};

// The local ports of this machine's connections to `server`, as they stand in the kernel's table.
std::set<std::string> connections_to(const Endpoint& server) {
  std::ifstream table("/proc/net/tcp");
  const std::string port = fmt::format(":{:04X}", server.port);
  constexpr std::string_view established = "01";
  std::set<std::string> found;
  std::string line;
  std::getline(table, line);  // the heading
  while (std::getline(table, line)) {
    std::istringstream columns(line);
    std::string number;
    std::string local;
    std::string remote;
    std::string state;
    columns >> number >> local >> remote >> state;
    if (remote.ends_with(port) && state == established) found.insert(local);
  }
  return found;
}

// Calls that the audit log has from byte `from` on, with this certificate.
uint64_t calls_with(const drill::Identity& identity, const std::filesystem::path& audit,
                    uintmax_t from) {
  std::ifstream file(audit);
  file.seekg(static_cast<std::streamoff>(from));
  const std::string thumbprint = identity.thumbprint.substr(0, 16);  // what the log writes of it
  uint64_t calls = 0;
  for (std::string line; std::getline(file, line);)
    calls += line.find(thumbprint) != std::string::npos;
  return calls;
}

class SwitchBench final {
 public:
  static Result<std::vector<Row>> run(const BenchOptions& options) {
    CS_TRY(const auto setup, Setup::create(options));
    CS_TRY(const Peer upstream, start_upstream(setup->files(), /*tls=*/false, 200));
    CS_CHECK(setup->start_gateway(upstream.address));
    SwitchBench bench(options, *setup);
    CS_CHECK(bench.start_egress());
    return bench.measure();
  }

 private:
  SwitchBench(const BenchOptions& options, Setup& setup)
      : options_(options),
        setup_(setup),
        identity_(setup.files().client),
        anchors_(setup.files().folder / "anchors.pem"),
        api_key_(setup.files().folder / "api-key") {}

  // As an orchestrator does it: another file takes the name's place.
  static Result<void> put(const std::filesystem::path& at, std::string_view text) {
    const std::filesystem::path beside = at.string() + ".new";
    CS_CHECK(drill::write_private_file(beside, text));
    std::filesystem::rename(beside, at);
    return {};
  }

  Result<std::string> issue_key(const drill::Identity& identity) const {
    CS_TRY(const std::string issued,
           setup_.provider().operate({"key", "issue", "--client", "shop", "--certificate",
                                      identity.certificate.string()}));
    return drill::json_text_member(issued, "api_key");
  }

  Result<drill::Identity> another_identity(int number) {
    crypto::CertificateSpec spec;
    spec.common_name = "shop";
    spec.dns_names = {"shop.consumer.example"};
    spec.purposes = {crypto::CertificatePurpose::client_auth};
    spec.not_before = clock_.wall_now() - std::chrono::hours(1);
    spec.not_after = clock_.wall_now() + std::chrono::hours(24);
    return setup_.pki().make(setup_.pki().consumer_authority(), spec,
                             fmt::format("renewed-{}", number));
  }

  Result<void> start_egress() {
    CS_TRY(const std::string key, issue_key(identity_));
    CS_CHECK(put(api_key_, key));
    CS_TRY(const std::string anchors, read_text_file(setup_.files().provider_ca));
    CS_CHECK(put(anchors_, anchors));
    const std::string issuer =
        fmt::format("issuer = \"{}\"\nclient_id = \"shop\"", drill::provider_url);
    CS_TRY(egress_,
           drill::Consumer::start({.binaries = options_.binaries,
                                   .folder = setup_.files().folder,
                                   .trace_heads = false,
                                   .access_log = (setup_.files().folder / "access.log").string(),
                                   .apis = {{"key", "api_key", "key_file = \"api-key\""},
                                            {"token", "oauth2_certificate", issuer}},
                                   .trust_anchors = anchors_},
                                  setup_.pki(), identity_, setup_.provider().gateway()));
    return {};
  }

  Result<void> replace_files(const drill::Identity& next) const {
    CS_TRY(const std::string certificate, read_text_file(next.certificate));
    CS_TRY(const std::string private_key, read_text_file(next.private_key));
    CS_TRY(const std::string key, issue_key(next));
    // The provider's CA, and each time one authority more.
    CS_TRY(std::string anchors, read_text_file(anchors_));
    CS_TRY(const std::string another, read_text_file(setup_.files().consumer_ca));
    CS_CHECK(put(identity_.certificate, certificate));
    CS_CHECK(put(identity_.private_key, private_key));
    CS_CHECK(put(anchors_, anchors + another));
    return put(api_key_, key);
  }

  // To the end of what is said of it; a refusal is an error.
  Result<void> await_switch(size_t from) {
    CS_TRY(const std::string line, egress_->process().wait_for_line(
                                       [](std::string_view text) {
                                         return text.find("egress.reload") != text.npos ||
                                                text.find("egress.switch_") != text.npos;
                                       },
                                       from));
    constexpr std::string_view both = "\"switched\":\"key token\"";
    if (line.find(both) == std::string::npos)
      return fail(ErrorKind::internal, "bench.not_switched", line);
    return {};
  }

  Result<Switched> switch_to(const drill::Identity& next) {
    const size_t from = egress_->process().lines();
    const drill::Identity old = current_;
    const Endpoint& gateway = setup_.provider().gateway();
    const std::set<std::string> before = connections_to(gateway);
    if (before.empty())
      return fail(ErrorKind::internal, "bench.no_connections", "nothing to switch was seen");
    CS_CHECK(replace_files(next));
    CS_CHECK(await_switch(from));
    current_ = next;
    std::this_thread::sleep_for(drain);
    const std::filesystem::path audit = setup_.provider().audit_log();
    const uintmax_t audited = std::filesystem::file_size(audit);
    Switched switched;
    for (const std::string& local : connections_to(gateway))
      switched.old_connections += before.contains(local);
    std::this_thread::sleep_for(after_drain);
    switched.old_calls = calls_with(old, audit, audited);
    if (calls_with(next, audit, audited) == 0)
      return fail(ErrorKind::internal, "bench.not_switched", "no call has the new certificate");
    return switched;
  }

  Result<std::vector<Row>> measure() {
    current_ = identity_;
    PacedLoad load({.server = egress_->egress(),
                    .targets = {"/key/bench", "/token/bench"},
                    .requests_per_second = rate});
    Switched all;
    for (int i = 0; i < switches; ++i) {
      std::this_thread::sleep_for(before_switch);
      CS_TRY(const drill::Identity next, another_identity(i));
      CS_TRY(const Switched one, switch_to(next));
      all.old_connections += one.old_connections;
      all.old_calls += one.old_calls;
    }
    CS_TRY(const LoadResult result, load.stop());
    return rows_of(all, result);
  }

  static std::vector<Row> rows_of(const Switched& all, const LoadResult& load) {
    const std::string title = fmt::format("{} identity switches: ", switches);
    const auto row = [&title](std::string name, std::string unit, double value,
                              std::optional<double> goal) {
      return Row{.name = title + name,
                 .unit = std::move(unit),
                 .ours = value,
                 .peer = {},
                 .peer_name = {},
                 .ratio_goal = {},
                 .ours_goal = goal};
    };
    const double missing = 100 * (1 - load.requests_per_second / rate);
    return {row("calls made", "calls", static_cast<double>(load.requests), {}),
            row("calls failed", "calls", static_cast<double>(load.failed), 0.0),
            row("requests", "1/s", load.requests_per_second, {}),
            row(fmt::format("below {} 1/s by", rate), "%", std::max(0.0, missing), 2.0),
            row("old connections after the drain", "connections",
                static_cast<double>(all.old_connections), 0.0),
            row("calls with the old certificate after the drain", "calls",
                static_cast<double>(all.old_calls), 0.0),
            row("p99", "ms", load.p99_ms, {})};
  }

  const BenchOptions& options_;
  Setup& setup_;
  SystemClock clock_;
  const drill::Identity identity_;  // the files that the egress reads
  drill::Identity current_;         // what was put into them last
  const std::filesystem::path anchors_;
  const std::filesystem::path api_key_;
  std::unique_ptr<drill::Consumer> egress_;
};

}  // namespace

Result<std::vector<Row>> bench_switch(const BenchOptions& options) {
  return SwitchBench::run(options);
}

}  // namespace countersign::bench
