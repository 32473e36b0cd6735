// Tokens: what keeping them costs, beside libraries that programs use for it.

#include "bench/processes/tokens.h"

#include <fmt/format.h>

namespace countersign::bench {

Result<std::unique_ptr<drill::Consumer>> start_token_egress(const TokenBench& bench,
                                                            const TokenEgress& egress) {
  const std::filesystem::path folder = bench.setup.files().folder / egress.client;
  std::filesystem::create_directories(folder);
  const std::string settings = fmt::format(
      "issuer = \"{}\"\ntoken_path = \"{}\"\nclient_id = \"{}\"\nclient_secret_file = \"{}\"",
      drill::provider_url, token_path, egress.client, bench.issuer.secret_file().string());
  return drill::Consumer::start({.binaries = bench.options.binaries,
                                 .folder = folder,
                                 .trace_heads = false,
                                 .access_log = (folder / "access.log").string(),
                                 .apis = {{"", "oauth2_bearer", settings}},
                                 .issuer = bench.issuer.address(),
                                 .extra_toml = egress.extra_toml},
                                bench.setup.pki(), bench.setup.files().client, egress.api);
}

Result<std::vector<Row>> bench_tokens(const BenchOptions& options) {
  CS_TRY(const auto setup, Setup::create(options));
  CS_TRY(const auto issuer, FakeIssuer::start(setup->files()));
  const TokenBench bench{options, *setup, *issuer};
  CS_TRY(std::vector<Row> rows, expiry_rows(bench));
  CS_TRY(const std::vector<Row> renewals, renewal_rows(bench));
  rows.insert(rows.end(), renewals.begin(), renewals.end());
  return rows;
}

}  // namespace countersign::bench
