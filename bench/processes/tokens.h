// The parts of the benchmark "tokens": rows of each, and the egress that they have in common.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/processes/setup.h"
#include "bench/processes/tokens_issuer.h"

namespace countersign::bench {

// What the parts are given.
struct TokenBench {
  const BenchOptions& options;
  const Setup& setup;
  FakeIssuer& issuer;
};

// An egress of one API with scheme oauth2_bearer, whose tokens are the fake issuer's.
struct TokenEgress {
  std::string client;  // known to the issuer; also the folder of its files: one egress at a time
  Endpoint api;
  std::string extra_toml = {};
};
Result<std::unique_ptr<drill::Consumer>> start_token_egress(const TokenBench& bench,
                                                            const TokenEgress& egress);

// 64 callers across many expiries: ours, and each peer that is built. All at the same time.
Result<std::vector<Row>> expiry_rows(const TokenBench& bench);
// The egress under load while its tokens are renewed, and while they are not.
Result<std::vector<Row>> renewal_rows(const TokenBench& bench);

}  // namespace countersign::bench
