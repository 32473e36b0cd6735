#include "cli/egress_generation.h"

#include <algorithm>

#include "crypto/certificate.h"

namespace countersign::cli {
namespace {

net::ClientPoolOptions pool_options(const http::Url& url, const std::optional<Endpoint>& connect_to,
                                    size_t connections_max) {
  net::ClientPoolOptions options{.host = url.host, .port = url.port};
  if (connect_to) {
    options.host = connect_to->address.to_string();
    options.port = connect_to->port;
  }
  options.authority = url.authority();
  options.connections_max = connections_max;
  return options;
}

// When the last of them ends; the PEM has been read before, and what cannot be read ends never.
std::optional<WallTime> last_end(std::string_view pem) {
  const auto certificates = crypto::parse_certificates_pem(pem);
  if (!certificates) return std::nullopt;
  return std::ranges::max(*certificates, {}, &crypto::Certificate::not_after).not_after;
}

consumer::IdentityEnds ends_of(const EgressApiConfig& config) {
  consumer::IdentityEnds ends;
  if (config.tls.identity) {
    const auto leaf = crypto::parse_certificate_pem(config.tls.identity->certificate_chain_pem);
    if (leaf) ends.certificate = leaf->not_after;
  }
  ends.trust_anchors = last_end(config.tls.server_anchors_pem);
  const bool issuer_has_its_own =
      config.issuer && config.issuer_tls.server_anchors_pem != config.tls.server_anchors_pem;
  if (issuer_has_its_own)
    ends.issuer_trust_anchors = last_end(config.issuer_tls.server_anchors_pem);
  return ends;
}

}  // namespace

Result<std::shared_ptr<EgressGeneration>> EgressGeneration::create(EgressConfig config,
                                                                   EgressProcess& process,
                                                                   uint64_t number) {
  std::shared_ptr<EgressGeneration> generation(
      new EgressGeneration(std::move(config), process, number));
  std::vector<consumer::EgressApi> places;
  for (const EgressApiConfig& api : generation->config_.apis)
    places.push_back({.options = api.options});
  CS_CHECK(consumer::check_apis(places));
  CS_CHECK(generation->make_callers());
  for (const EgressApiConfig& api : generation->config_.apis) CS_CHECK(generation->make_api(api));
  return generation;
}

Result<void> EgressGeneration::make_callers() {
  std::vector<std::string> names;
  for (const EgressApiConfig& api : config_.apis) names.push_back(api.options.name);
  CS_TRY(callers_, consumer::CallerPolicy::create(config_.callers, names));
  return {};
}

Result<void> EgressGeneration::make_api(const EgressApiConfig& config) {
  auto api = std::make_unique<Api>();
  api->config = &config;
  api->ends = ends_of(config);
  CS_TRY(auto tls, net::TlsClientContext::create(config.tls));
  api->tls.publish(std::move(tls));
  if (config.issuer) {
    CS_TRY(auto issuer_tls, net::TlsClientContext::create(config.issuer_tls));
    api->issuer_tls.publish(std::move(issuer_tls));
    api->issuer_pool = std::make_unique<net::ClientPool>(
        process_.home->loop(), process_.resolver,
        pool_options(*config.issuer, config.issuer_connect_to, 4),  // a slot asks once at a time
        &api->issuer_tls);
  }
  CS_TRY(api->scheme,
         consumer::make_scheme(config.scheme->name, config.settings,
                               {.home = process_.home->loop(),
                                .clock = process_.clock,
                                .entropy = process_.entropy,
                                .issuer = api->issuer_pool.get(),
                                .certificate_thumbprint = config.certificate_thumbprint}));
  apis_.push_back(std::move(api));
  return {};
}

void EgressGeneration::start() {
  for (const auto& api : apis_) api->scheme->start();
}

consumer::EgressReport EgressGeneration::report() const {
  consumer::EgressReport report(apis_.size());
  report.now = process_.clock.wall_now();
  report.config_generation = number_;
  const consumer::Instant now{process_.clock.boot_now(), report.now};
  for (size_t i = 0; i < apis_.size(); ++i) {
    const Api& api = *apis_[i];
    report.apis[i] = {.name = api.config->options.name,
                      .scheme = std::string(api.config->scheme->name),
                      .upstream = api.config->options.origin,
                      .auth = consumer::auth_state_of(*api.scheme, api.ends, now)};
  }
  return report;
}

LoopGeneration::LoopGeneration(std::shared_ptr<EgressGeneration> shared, net::Loop& loop,
                               consumer::AccessLog& log)
    : shared_(std::move(shared)), counters_(shared_->apis().size()) {
  EgressProcess& process = shared_->process();
  std::vector<consumer::EgressApi> apis;
  for (const auto& api : shared_->apis()) {
    const EgressApiConfig& config = *api->config;
    pools_.push_back(std::make_unique<net::ClientPool>(
        loop, process.resolver, pool_options(config.url, config.connect_to, config.connections_max),
        &api->tls));
    schemes_.push_back(api->scheme->for_loop(loop));
    apis.push_back({.options = config.options,
                    .scheme_name = std::string(config.scheme->name),
                    .scheme = schemes_.back().get(),
                    .process_scheme = api->scheme.get(),
                    .upstream = pools_.back().get()});
  }
  const bool has_rules = shared_->callers().has_rules();
  service_.emplace(std::move(apis), loop, process.clock, log, shared_->config().egress,
                   consumer::EgressParts{.callers = has_rules ? &shared_->callers() : nullptr,
                                         .counters = &counters_,
                                         .entropy = &process.entropy});
}

LoopSample LoopGeneration::sample() const {
  LoopSample sample{.counters = counters_, .connections = {}, .idle = {}};
  for (const auto& pool : pools_) {
    sample.connections.push_back(pool->connections());
    sample.idle.push_back(pool->idle_connections());
  }
  return sample;
}

}  // namespace countersign::cli
