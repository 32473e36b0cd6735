// Who may use an egress, over what, and how it is seen from outside: Unix sockets, caller rules,
// HTTP/2, the admin listener, the drain.

#include <array>
#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "e2e/whole_path.h"
#include "net/socket_address.h"
#include "support/metrics_reader.h"

namespace countersign::e2e {
namespace {

constexpr std::string_view curl_program = "/usr/bin/curl";

class EgressAccess : public WholePath {
 protected:
  void start(const std::string& toml, drill::ProviderOptions options = {}) {
    start_provider(std::move(options));
    drill::ConsumerOptions consumer_options;
    consumer_options.threads = 2;
    consumer_options.extra_toml = toml;
    start_consumer(std::move(consumer_options));
  }
  std::string socket(std::string_view name) const { return folder / name; }
  std::string admin_toml() const { return "[admin]\nunix = \"" + socket("admin.sock") + "\"\n"; }

  // What curl prints: the body, then a line "STATUS VERSION".
  static std::string curl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {std::string(curl_program), "-sS", "-w",
                                         "\n%{http_code} %{http_version}", "--max-time", "60"});
    const drill::Finished finished = must(drill::run_command({.argv = arguments, .input = {}}));
    return finished.output + finished.errors;
  }
  std::string ask_admin(const std::string& page) {
    return curl({"--unix-socket", socket("admin.sock"), "http://egress" + page});
  }
  std::string tcp(std::string_view target) const {
    return "http://" + consumer->egress().to_string() + std::string(target);
  }
  std::string countersign() const {
    return (std::filesystem::path(COUNTERSIGN_BINARIES) / "countersign").string();
  }
};

TEST_F(EgressAccess, callers_of_a_unix_socket_make_the_calls_that_their_user_may) {
  const std::string uid = std::to_string(::getuid());
  start("[[listener]]\nunix = \"" + socket("egress.sock") +
        "\"\nmode = \"0660\"\n"
        "[[caller]]\nusers = [\"" +
        uid + "\"]\napis = [\"api_key\"]\nmethods = [\"GET\"]\npaths = [\"/v1/payments\"]\n");
  const auto ask = [&](std::string_view target, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--unix-socket", socket("egress.sock"), "--path-as-is",
                             "http://egress" + std::string(target)});
    return curl(std::move(more));
  };
  EXPECT_NE(ask("/api_key/v1/payments").find("\n200 1.1"), std::string::npos);
  EXPECT_NE(ask("/api_key/v1/payments/7").find("\"reason\":\"call_not_allowed\""),
            std::string::npos);
  EXPECT_NE(ask("/api_key/v1/payments", {"-d", "{}"}).find("call_not_allowed"), std::string::npos);
  EXPECT_NE(ask("/oauth2_bearer/v1/payments").find("call_not_allowed"), std::string::npos);
  EXPECT_NE(ask("/api_key/v1/x/%2e%2e/payments").find("\n400 "), std::string::npos);
  const std::string over_tcp = curl({tcp("/api_key/v1/payments")});
  EXPECT_NE(over_tcp.find("\"reason\":\"caller_not_allowed\""), std::string::npos) << over_tcp;
  EXPECT_NE(over_tcp.find("\n403 "), std::string::npos);
  must(consumer->process().wait_for_line([&](std::string_view line) {
    return line.find("\"caller\":\"unix:uid=" + uid + "\"") != std::string_view::npos;
  }));
  EXPECT_EQ(consumer->process().terminate(), 0);
  EXPECT_NE(::access(socket("egress.sock").c_str(), F_OK), 0) << "the socket's file is left behind";
}

TEST_F(EgressAccess, http2_with_prior_knowledge_pays_as_http1_does) {
  start("");
  const std::string paid =
      curl({"--http2-prior-knowledge", "-H", "Content-Type: application/json", "-H",
            "Idempotency-Key: h2", "-d", std::string(order), tcp("/api_key/v1/payments")});
  ASSERT_NE(paid.find("\n201 2"), std::string::npos) << paid;
  // One call a connection: curl 7.88 fails to use one twice
  // (https://github.com/curl/curl/pull/10643).
  for (const std::string_view scheme : {"api_key", "oauth2_bearer", "oauth2_certificate"}) {
    const std::string listed =
        curl({"--http2-prior-knowledge", tcp("/" + std::string(scheme) + "/v1/payments")});
    EXPECT_NE(listed.find("\n200 2"), std::string::npos) << listed;
    EXPECT_EQ(listed.find("pay_") != std::string::npos, scheme == "api_key") << listed;
  }
  EXPECT_NE(curl({"--http2", tcp("/api_key/v1/payments")}).find("\n200 1.1"), std::string::npos);
}

TEST_F(EgressAccess, admin_listener_shows_how_it_is) {
  start(admin_toml());
  const auto backend = must(consumer->caller());
  must(backend->call(payment("/oauth2_bearer/v1/payments", "k1")));
  EXPECT_EQ(ask_admin("/livez"), "alive\n\n200 1.1");
  std::string metrics = ask_admin("/metrics");
  metrics.resize(metrics.rfind('\n'));  // what curl adds
  const testing::MetricsReader read(metrics);
  EXPECT_EQ(read.problems(), std::vector<std::string>());
  EXPECT_EQ(read.value("countersign_egress_calls_total{api=\"oauth2_bearer\",method=\"POST\","
                       "status=\"2xx\",outcome=\"answered\"}"),
            1)
      << metrics;
  EXPECT_EQ(read.value("countersign_egress_token_state{api=\"oauth2_bearer\",state=\"fresh\"}"), 1);
  EXPECT_GT(read.value("countersign_egress_auth_runway_seconds{api=\"oauth2_bearer\"}"), 0);
  const drill::Finished status = must(drill::run_command(
      {.argv = {countersign(), "egress", "status", "--config", folder / "egress.toml"},
       .input = {}}));
  EXPECT_EQ(status.exit_code, 0) << status.errors;
  EXPECT_NE(status.output.find("oauth2_bearer"), std::string::npos) << status.output;
  EXPECT_NE(status.output.find("fresh"), std::string::npos) << status.output;
  const drill::Finished json =
      must(drill::run_command({.argv = {countersign(), "egress", "status", "--config",
                                        folder / "egress.toml", "--output", "json"},
                               .input = {}}));
  EXPECT_TRUE(parse_json(json.output)) << json.output << json.errors;
}

TEST_F(EgressAccess, no_secret_is_in_metrics_status_or_traces) {
  start(admin_toml());
  const auto backend = must(consumer->caller());
  for (const std::string scheme : {"api_key", "oauth2_bearer", "oauth2_certificate"}) {
    http::SimpleRequest made = payment("/" + scheme + "/v1/payments", "k1");
    made.fields.emplace_back("traceparent",
                             "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    must(backend->call(std::move(made)));
  }
  std::string all = ask_admin("/metrics") + ask_admin("/status") + ask_admin("/readyz");
  EXPECT_EQ(consumer->process().terminate(), 0);
  all += consumer->process().output();
  EXPECT_NE(all.find("\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\""), std::string::npos);
  EXPECT_NE(all.find("countersign_egress_calls_total"), std::string::npos);
  for (const std::string& secret : {file_text("api-key"), client_secret}) {
    ASSERT_GT(secret.size(), 20u);
    EXPECT_EQ(all.find(secret.substr(secret.size() - 16, 12)), std::string::npos);
  }
  EXPECT_EQ(all.find("eyJ"), std::string::npos) << "a token";
}

TEST_F(EgressAccess, is_not_ready_while_the_issuer_refuses_the_client) {
  start_provider();
  const std::string settings =
      "issuer = \"" + std::string(drill::provider_url) + "\"\nclient_id = \"nobody\"";
  consumer = must(drill::Consumer::start({.binaries = COUNTERSIGN_BINARIES,
                                          .folder = folder.path(),
                                          .apis = {{"bound", "oauth2_certificate", settings}},
                                          .issuer = {},
                                          .extra_toml = admin_toml()},
                                         pki, client, provider->gateway()));
  const auto backend = must(consumer->caller());
  EXPECT_EQ(must(backend->call(payment("/bound/v1/payments", "k1"))).response.status, 503);
  const std::string page = ask_admin("/readyz");
  EXPECT_NE(page.find("bound: token misconfigured"), std::string::npos) << page;
  EXPECT_NE(page.find("\n503 "), std::string::npos) << page;
  EXPECT_NE(ask_admin("/livez").find("\n200 "), std::string::npos);
}

// An upstream that holds its answer back until it is let go.
class HoldingUpstream final {
 public:
  HoldingUpstream() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = net::SocketAddress::of(*Endpoint::parse("127.0.0.1:0"));
    if (::bind(listener_.get(), any.get(), any.size()) != 0 || ::listen(listener_.get(), 8) != 0)
      throw std::runtime_error("cannot listen");
    net::SocketAddress bound;
    ::getsockname(listener_.get(), bound.get(), bound.size_for_kernel());
    address_ = bound.endpoint();
    thread_ = std::jthread([this] { serve(); });
  }
  const Endpoint& address() const { return address_; }
  void wait_for_request() { arrived_.get_future().wait(); }
  void let_go() { released_.set_value(); }

 private:
  void serve() {
    const net::Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string request;
    std::array<char, 4096> piece;
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::read(connection.get(), piece.data(), piece.size());
      if (got <= 0) break;
      request.append(piece.data(), static_cast<size_t>(got));
    }
    arrived_.set_value();
    released_.get_future().wait();
    constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
    static_cast<void>(::write(connection.get(), answer.data(), answer.size()));
  }

  net::Fd listener_;
  Endpoint address_;
  std::promise<void> arrived_;
  std::promise<void> released_;
  std::jthread thread_;
};

TEST_F(EgressAccess, drain_finishes_http2_calls_under_way) {
  HoldingUpstream upstream;
  drill::ProviderOptions options;
  options.upstream = upstream.address();
  start("", std::move(options));
  std::string answer;
  std::jthread backend(
      [&] { answer = curl({"--http2-prior-knowledge", tcp("/api_key/v1/payments")}); });
  upstream.wait_for_request();
  consumer->process().signal(SIGTERM);
  must(consumer->process().wait_for_line([](std::string_view line) {
    return line.find("egress.draining") != std::string_view::npos;
  }));
  upstream.let_go();
  backend.join();
  EXPECT_EQ(answer, "late\n200 2");
  EXPECT_EQ(consumer->process().terminate(), 0);
}

}  // namespace
}  // namespace countersign::e2e
