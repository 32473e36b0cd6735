// Libraries that programs keep tokens with, each in a small program of its language
// (bench/peers/).

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/processes/tokens_callers.h"
#include "bench/processes/tokens_issuer.h"

namespace countersign::bench {

struct TokenPeer {
  std::string name;
  std::string client;             // its id at the issuer, and its job file's name
  std::vector<std::string> argv;  // without the job
  bool share_request = false;     // a job's setting, see bench/peers/node/token_peer.mjs
};

// Those that bench/peers/build has made in `folder`. Tells on standard error which are left out.
std::vector<TokenPeer> built_token_peers(const std::filesystem::path& folder,
                                         const PeerFiles& files);

Result<std::unique_ptr<drill::ChildProcess>> start_token_peer(const TokenPeer& peer,
                                                              const PeerFiles& files,
                                                              const FakeIssuer& issuer,
                                                              const CallerLoad& load);
// Blocks until the peer has run. `on_warm` as in run_callers().
Result<CallerResult> await_token_peer(drill::ChildProcess& process,
                                      const std::function<void()>& on_warm);

}  // namespace countersign::bench
