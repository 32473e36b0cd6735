#include "bench/processes/tokens_peers.h"

#include <sstream>

#include <fmt/format.h>

#include "core/json.h"

namespace countersign::bench {
namespace {

constexpr std::string_view warm_line = "WARM";
constexpr std::string_view result_word = "RESULT ";

Result<void> write_job(const std::filesystem::path& path, const TokenPeer& peer,
                       const PeerFiles& files, const FakeIssuer& issuer, const CallerLoad& load) {
  const std::string origin = "https://" + issuer.address().to_string();
  const std::chrono::milliseconds run = load.duration;
  const Json job = {{"token_url", origin + std::string(token_path)},
                    {"api_url", origin + "/"},
                    {"trust_anchors", files.provider_ca.string()},
                    {"client_id", peer.client},
                    {"client_secret_file", issuer.secret_file().string()},
                    {"callers", load.callers},
                    {"pace_ms", load.pace.count()},
                    {"stall_ms", load.stall.count()},
                    {"run_ms", run.count()},
                    {"share_request", peer.share_request}};
  return drill::write_private_file(path, to_text(job));
}

}  // namespace

std::vector<TokenPeer> built_token_peers(const std::filesystem::path& folder,
                                         const PeerFiles& files) {
  std::vector<TokenPeer> peers;
  const std::filesystem::path go = folder / "token-peer-go";
  if (std::filesystem::exists(go)) {
    peers.push_back({.name = "Go x/oauth2", .client = "go", .argv = {go.string()}});
  } else {
    fmt::print(stderr, "bench tokens: without Go's x/oauth2: {} is not built\n", go.string());
  }
  const std::filesystem::path node = folder / "node";
  if (!std::filesystem::exists(node / "node_modules" / "openid-client")) {
    fmt::print(stderr, "bench tokens: without openid-client: not installed in {}\n", node.string());
    return peers;
  }
  const std::vector<std::string> argv = {"/usr/bin/env",
                                         "NODE_EXTRA_CA_CERTS=" + files.provider_ca.string(),
                                         "node", (node / "token_peer.mjs").string()};
  peers.push_back({.name = "openid-client", .client = "openid-client", .argv = argv});
  peers.push_back({.name = "openid-client shared",
                   .client = "openid-client-shared",
                   .argv = argv,
                   .share_request = true});
  return peers;
}

Result<std::unique_ptr<drill::ChildProcess>> start_token_peer(const TokenPeer& peer,
                                                              const PeerFiles& files,
                                                              const FakeIssuer& issuer,
                                                              const CallerLoad& load) {
  const std::filesystem::path job = files.folder / (peer.client + ".json");
  CS_CHECK(write_job(job, peer, files, issuer, load));
  std::vector<std::string> argv = peer.argv;
  argv.push_back(job.string());
  return drill::ChildProcess::start({.argv = std::move(argv)});
}

Result<CallerResult> await_token_peer(drill::ChildProcess& process,
                                      const std::function<void()>& on_warm) {
  CS_CHECK(process.wait_for_line([](std::string_view line) { return line == warm_line; }));
  on_warm();
  CS_TRY(const std::string line, process.wait_for_line([](std::string_view text) {
    return text.starts_with(result_word);
  }));
  std::istringstream fields(line.substr(result_word.size()));
  CallerResult result;
  double longest_us = 0;
  fields >> result.calls >> result.failed >> result.stalled >> longest_us;
  if (!fields) return fail(ErrorKind::internal, "bench.bad_peer_result", line);
  result.longest_ms = longest_us / 1000;
  return result;
}

}  // namespace countersign::bench
