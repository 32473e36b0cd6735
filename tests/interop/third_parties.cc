#include "interop/third_parties.h"

#include <fstream>
#include <iterator>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "drill/installation.h"
#include "net/fd.h"

namespace countersign::interop {
namespace {

using drill::ChildProcess;

constexpr std::string_view issuer_name = "issuer.example";
constexpr std::string_view api_name = "api.example";
constexpr int starts_max = 5;

// Finds programs by PATH.
std::vector<std::string> by_name(std::vector<std::string> argv) {
  argv.insert(argv.begin(), "/usr/bin/env");
  return argv;
}

bool runs(std::vector<std::string> argv) {
  const auto finished = drill::run_command({.argv = by_name(std::move(argv))});
  return finished && finished->exit_code == 0;
}

// nginx cannot be told to choose a port. Somebody else may take this one before it does; then it is
// started again with another.
uint16_t free_port() {
  const net::Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(probe.get(), generic, size) != 0 || getsockname(probe.get(), generic, &size) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(address.sin_port);
}

std::string nginx_config(const std::filesystem::path& folder, const drill::Identity& server,
                         const std::filesystem::path& client_anchors, uint16_t port) {
  return fmt::format(R"(daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 256; }}
http {{
  log_format line "api_request $status $request_uri";
  access_log /dev/stderr line;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_client_certificate {anchors};
    ssl_verify_client on;
    default_type application/json;
    location / {{
      if ($http_authorization !~ "^Bearer [A-Za-z0-9._~+/=-]+$") {{ return 401; }}
      return 200 '{{"authorization":"$http_authorization","client":"$ssl_client_fingerprint"}}';
    }}
  }}
}}
)",
                     fmt::arg("folder", folder.string()), fmt::arg("port", port),
                     fmt::arg("certificate", server.certificate.string()),
                     fmt::arg("key", server.private_key.string()),
                     fmt::arg("anchors", client_anchors.string()));
}

bool mentions(std::string_view line, std::string_view text) {
  return line.find(text) != std::string_view::npos;
}

}  // namespace

std::string missing_programs() {
  if (!runs({"node", "--version"})) return "node is not installed";
  if (!runs({"nginx", "-v"})) return "nginx is not installed";
  return {};
}

Issuer Issuer::start(const std::filesystem::path& folder, const drill::ThrowawayPki& pki,
                     std::string_view clients, std::string_view methods) {
  const drill::Identity server = must(pki.make_server(issuer_name));
  const std::filesystem::path config = folder / "issuer.json";
  must(drill::write_private_file(
      config,
      fmt::format(R"({{"issuer":"https://{}","certificate":"{}","private_key":"{}",)"
                  R"("client_ca":"{}","token_lifetime":3,{}"clients":{}}})",
                  issuer_name, server.certificate.string(), server.private_key.string(),
                  pki.consumer_ca().string(),
                  methods.empty() ? "" : fmt::format(R"("methods":{},)", methods), clients)));
  if (!std::filesystem::exists(std::filesystem::path(COUNTERSIGN_NODE_MODULES) / "oidc-provider")) {
    throw std::runtime_error("oidc-provider is not installed: ./x test does it");
  }
  Issuer issuer;
  issuer.process_ = must(ChildProcess::start(
      {.argv = by_name({"node", std::string(COUNTERSIGN_INTEROP) + "/issuer.mjs",
                        COUNTERSIGN_NODE_MODULES, config.string()})}));
  const std::string line = must(issuer.process_->wait_for_line(
      [](std::string_view text) { return mentions(text, "issuer.listening"); }));
  issuer.address_ = must(Endpoint::parse(drill::json_text_member(line, "address")));
  issuer.mutual_tls_ = must(Endpoint::parse(drill::json_text_member(line, "mutual_tls")));
  return issuer;
}

void Issuer::wait_for_answers(std::string_view client, int status, int count, size_t from) {
  const std::string wanted = fmt::format(R"("client":"{}","status":{})", client, status);
  // Sees each line once.
  must(process_->wait_for_line(
      [&](std::string_view line) { return mentions(line, wanted) && --count == 0; }, from));
}

Api Api::start(const std::filesystem::path& folder, const drill::ThrowawayPki& pki,
               const std::filesystem::path& client_anchors) {
  const drill::Identity server = must(pki.make_server(api_name));
  const std::filesystem::path config = folder / "nginx.conf";
  for (int start = 1;; ++start) {
    const uint16_t port = free_port();
    must(drill::write_private_file(config, nginx_config(folder, server, client_anchors, port)));
    Api api;
    api.address_ = must(Endpoint::parse("127.0.0.1:" + std::to_string(port)));
    api.process_ = must(ChildProcess::start({.argv = by_name({"nginx", "-p", folder.string(), "-c",
                                                              config.string(), "-e", "stderr"})}));
    const auto ready = api.process_->wait_for_line(
        [](std::string_view line) { return mentions(line, "getrlimit(RLIMIT_NOFILE)"); });
    if (ready) return api;
    if (start == starts_max) throw std::runtime_error(ready.error().for_log());
  }
}

Egress start_egress(const std::filesystem::path& folder, const drill::ThrowawayPki& pki,
                    const Issuer& issuer, const Api& api, const std::vector<EgressApi>& apis) {
  std::string config =
      "[[listener]]\naddress = \"127.0.0.1:0\"\n[server]\nthreads = 1\n"
      "[log]\naccess_log = \"-\"\ntrace_heads = true\n";
  for (const EgressApi& one : apis) {
    config += fmt::format(
        R"toml(
[[api]]
name = "{name}"
path_prefix = "/{name}"
url = "https://{api_name}"
connect_to = "{api}"
issuer_connect_to = "{issuer}"
trust_anchors = "{anchors}"
certificate = "{certificate}"
private_key_file = "{key}"
scheme = "{scheme}"
[api.{scheme}]
issuer = "https://{issuer_name}"
client_id = "{name}"
{settings}
)toml",
        fmt::arg("name", one.name), fmt::arg("api_name", api_name),
        fmt::arg("issuer_name", issuer_name), fmt::arg("api", api.address().to_string()),
        fmt::arg("issuer", issuer.address().to_string()),
        fmt::arg("anchors", pki.provider_ca().string()),
        fmt::arg("certificate", one.identity->certificate.string()),
        fmt::arg("key", one.identity->private_key.string()), fmt::arg("scheme", one.scheme),
        fmt::arg("settings", one.settings));
  }
  must(drill::write_private_file(folder / "egress.toml", config));
  Egress egress;
  egress.process = must(
      ChildProcess::start({.argv = {std::string(COUNTERSIGN_BINARIES) + "/countersign", "egress",
                                    "--config", (folder / "egress.toml").string()}}));
  const std::string line = must(egress.process->wait_for_line(
      [](std::string_view text) { return mentions(text, "\"event\":\"egress.listening\""); }));
  egress.backend = must(drill::Caller::create(
      {.server = must(Endpoint::parse(drill::json_text_member(line, "address")))}));
  return egress;
}

drill::Identity self_signed(const std::filesystem::path& folder, std::string_view name) {
  drill::Identity identity;
  identity.certificate = folder / (std::string(name) + ".pem");
  identity.private_key = folder / (std::string(name) + ".key");
  const bool made = runs(
      {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
       "-keyout", identity.private_key.string(), "-out", identity.certificate.string(), "-days",
       "1", "-subj", "/CN=" + std::string(name), "-addext", "extendedKeyUsage=clientAuth"});
  if (!made) throw std::runtime_error("openssl makes no certificate");
  std::filesystem::permissions(identity.private_key, std::filesystem::perms::owner_read |
                                                         std::filesystem::perms::owner_write);
  return identity;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {(std::istreambuf_iterator<char>(file)), {}};
}

}  // namespace countersign::interop
