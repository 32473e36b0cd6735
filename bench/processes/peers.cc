#include "bench/processes/peers.h"

#include <fmt/format.h>

#include "core/text_file.h"
#include "drill/caller.h"
#include "net/listener.h"

namespace countersign::bench {
namespace {

// A port that is free now. The peers cannot take port 0 and say which it became.
Result<Endpoint> free_address() {
  CS_TRY(const auto loopback, IpAddress::parse("127.0.0.1"));
  CS_TRY(const auto socket, net::ListeningSocket::create({.address = {loopback, 0}}));
  return socket->bound();
}

// Master and worker in one process, so that its CPU time is the worker's.
std::string nginx_config(const PeerFiles& files, std::string_view name, std::string_view http) {
  return fmt::format(
      "daemon off;\nmaster_process off;\nworker_processes 1;\nworker_rlimit_nofile 20000;\npid "
      "{0}/{1}.pid;\n"
      "error_log {0}/{1}-error.log warn;\nevents {{ worker_connections 8192; }}\n"
      "http {{\n  access_log {0}/{1}-access.log;\n  keepalive_requests 1000000000;\n  "
      "keepalive_timeout 75s;\n"
      "  client_body_temp_path {0}/{1}-body;\n  proxy_temp_path {0}/{1}-proxy;\n  "
      "fastcgi_temp_path {0}/{1}-f;\n"
      "  uwsgi_temp_path {0}/{1}-u;\n  scgi_temp_path {0}/{1}-s;\n  ssl_session_tickets off;\n  "
      "ssl_session_cache off;\n"
      "  ssl_protocols TLSv1.3;\n{2}}}\n",
      files.folder.string(), name, http);
}

// Ready when it accepts connections.
Result<void> wait_until_accepting(const Endpoint& address, drill::ChildProcess& process) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    CS_TRY(const auto caller, drill::Caller::create({.server = address}));
    const auto answer = caller->call({.target = "/"});
    if (answer || answer.error().code != "net.connect_failed") return {};
    CS_TRY([[maybe_unused]] const auto pause,
           drill::run_command({.argv = {"/usr/bin/sleep", "0.01"}}));
  }
  return fail(ErrorKind::unavailable, "bench.peer_not_ready",
              address.to_string() + " does not listen", process.output());
}

Result<Peer> start_nginx(const PeerFiles& files, std::string_view name, const Endpoint& address,
                         std::string_view http) {
  const std::filesystem::path config = files.folder / (std::string(name) + ".conf");
  CS_CHECK(drill::write_private_file(config, nginx_config(files, name, http)));
  Peer peer{.address = address};
  CS_TRY(peer.process,
         drill::ChildProcess::start(
             {.argv = {"/usr/sbin/nginx", "-c", config.string(), "-p", files.folder.string()}}));
  CS_CHECK(wait_until_accepting(address, *peer.process));
  return peer;
}

std::string server_tls(const PeerFiles& files) {
  return fmt::format(
      "    ssl_certificate {};\n    ssl_certificate_key {};\n    ssl_client_certificate {};\n    "
      "ssl_verify_client on;\n",
      files.server.certificate.string(), files.server.private_key.string(),
      files.consumer_ca.string());
}

}  // namespace

Result<Peer> start_upstream(const PeerFiles& files, bool tls, size_t body_bytes) {
  CS_TRY(const Endpoint address, free_address());
  const std::string http = fmt::format(
      "  server {{\n    access_log off;\n    listen {}{} backlog=4096;\n{}"
      "    location / {{ default_type text/plain; return 200 \"{}\"; }}\n"
      "    location /big {{ default_type text/plain; return 200 \"{}\"; }}\n  }}\n",
      address.to_string(), tls ? " ssl" : "", tls ? server_tls(files) : std::string(),
      std::string(body_bytes, 'x'), std::string(2048, 'x'));
  return start_nginx(files, tls ? "upstream-tls" : "upstream-plain", address, http);
}

Result<Peer> start_nginx_egress(const PeerFiles& files, const Endpoint& upstream) {
  CS_TRY(const Endpoint address, free_address());
  const std::string http = fmt::format(
      "  upstream provider {{ server {upstream}; keepalive 128; keepalive_requests 1000000000; }}\n"
      "  server {{\n    listen {address} backlog=4096;\n    location / {{\n      proxy_pass "
      "https://provider;\n"
      "      proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n      "
      "proxy_set_header Host {name};\n"
      "      proxy_set_header Authorization \"ApiKey "
      "cs_test_000000000000_000000000000000000000000000000000_000000\";\n"
      "      proxy_ssl_protocols TLSv1.3;\n      proxy_ssl_session_reuse off;\n      "
      "proxy_ssl_verify on;\n"
      "      proxy_ssl_name {name};\n      proxy_ssl_server_name on;\n      "
      "proxy_ssl_trusted_certificate {ca};\n"
      "      proxy_ssl_certificate {certificate};\n      proxy_ssl_certificate_key {key};\n    "
      "}}\n  }}\n",
      fmt::arg("upstream", upstream.to_string()), fmt::arg("address", address.to_string()),
      fmt::arg("name", "payments.provider.example"), fmt::arg("ca", files.provider_ca.string()),
      fmt::arg("certificate", files.client.certificate.string()),
      fmt::arg("key", files.client.private_key.string()));
  return start_nginx(files, "egress", address, http);
}

Result<Peer> start_nginx_gateway(const PeerFiles& files, const Endpoint& upstream,
                                 std::string_view authorization) {
  CS_TRY(const Endpoint address, free_address());
  const std::string http = fmt::format(
      "  map_hash_bucket_size 2048;\n  map $http_authorization $client {{ default \"\"; "
      "\"{authorization}\" shop; }}\n"
      "  upstream application {{ server {upstream}; keepalive 128; keepalive_requests 1000000000; "
      "}}\n"
      "  server {{\n    listen {address} ssl backlog=4096;\n{tls}    location / {{\n"
      "      if ($client = \"\") {{ return 401; }}\n      proxy_pass http://application;\n      "
      "proxy_http_version 1.1;\n"
      "      proxy_set_header Connection \"\";\n      proxy_set_header Authorization \"\";\n"
      "      proxy_set_header X-Client $client;\n    }}\n  }}\n",
      fmt::arg("authorization", authorization), fmt::arg("upstream", upstream.to_string()),
      fmt::arg("address", address.to_string()), fmt::arg("tls", server_tls(files)));
  return start_nginx(files, "gateway", address, http);
}

Result<Peer> start_haproxy_gateway(const PeerFiles& files, const Endpoint& upstream,
                                   const std::optional<std::filesystem::path>& public_key) {
  CS_TRY(Peer peer, [&]() -> Result<Peer> {
    CS_TRY(const Endpoint address, free_address());
    return Peer{.address = address};
  }());
  // HAProxy takes certificate and key from one file.
  CS_TRY(const std::string certificate, read_text_file(files.server.certificate));
  CS_TRY(const std::string key, read_text_file(files.server.private_key));
  const std::filesystem::path both =
      files.folder / (public_key ? "haproxy-server.pem" : "haproxy-plain-server.pem");
  CS_CHECK(drill::write_private_file(both, certificate + key));
  const std::string verification =
      public_key ? fmt::format(
                       "  http-request set-var(txn.bearer) http_auth_bearer\n"
                       "  http-request deny deny_status 401 unless {{ "
                       "var(txn.bearer),jwt_header_query('$.alg') -m str ES256 }}\n"
                       "  http-request deny deny_status 401 unless {{ "
                       "var(txn.bearer),jwt_verify(\"ES256\",\"{}\") 1 }}\n",
                       public_key->string())
                 : "";
  const std::string config = fmt::format(
      "global\n  nbthread 1\n  maxconn 8192\n  log stdout format raw local0\n  "
      "ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets\n"
      "  tune.ssl.cachesize 0\ndefaults\n  mode http\n  log global\n  option httplog\n  timeout "
      "connect 5s\n  timeout client 75s\n"
      "  timeout server 75s\n  http-reuse always\nfrontend gateway\n"
      "  bind {address} ssl crt {server} ca-file {ca} verify required\n"
      "{verification}"
      "  http-request del-header Authorization\n  default_backend application\nbackend "
      "application\n  server one {upstream}\n",
      fmt::arg("address", peer.address.to_string()), fmt::arg("server", both.string()),
      fmt::arg("ca", files.consumer_ca.string()), fmt::arg("verification", verification),
      fmt::arg("upstream", upstream.to_string()));
  const std::filesystem::path path =
      files.folder / (public_key ? "haproxy.cfg" : "haproxy-plain.cfg");
  CS_CHECK(drill::write_private_file(path, config));
  CS_TRY(peer.process,
         drill::ChildProcess::start({.argv = {"/usr/sbin/haproxy", "-db", "-f", path.string()}}));
  CS_CHECK(wait_until_accepting(peer.address, *peer.process));
  return peer;
}

}  // namespace countersign::bench
