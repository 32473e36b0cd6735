#include "cli/egress_generation.h"

#include <algorithm>

#include "crypto/certificate.h"

namespace countersign::cli {
namespace {

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

Result<std::shared_ptr<EgressGeneration>> EgressGeneration::create(
    EgressConfig config, EgressProcess& process, uint64_t number,
    const EgressGeneration* previous) {
  std::shared_ptr<EgressGeneration> generation(
      new EgressGeneration(std::move(config), process, number));
  std::vector<consumer::EgressApi> places;
  for (const EgressApiConfig& api : generation->config_.apis)
    places.push_back({.options = api.options});
  CS_CHECK(consumer::check_apis(places));
  CS_CHECK(generation->make_callers());
  for (const EgressApiConfig& api : generation->config_.apis)
    CS_CHECK(generation->add_api(api, previous));
  return generation;
}

Result<void> EgressGeneration::make_callers() {
  std::vector<std::string> names;
  for (const EgressApiConfig& api : config_.apis) names.push_back(api.options.name);
  CS_TRY(callers_, consumer::CallerPolicy::create(config_.callers, names));
  return {};
}

std::shared_ptr<EgressGeneration::Api> EgressGeneration::find(std::string_view name) const {
  for (const auto& api : apis_) {
    if (api->config.options.name == name) return api;
  }
  return nullptr;
}

Result<void> EgressGeneration::add_api(const EgressApiConfig& config,
                                       const EgressGeneration* previous) {
  auto same = previous ? previous->find(config.options.name) : nullptr;
  if (same && same->config == config) {
    apis_.push_back(std::move(same));
    return {};
  }
  auto api = std::make_shared<Api>(config);
  api->ends = ends_of(config);
  auto parts = client::ApiParts::create(config, {.home = process_.home->loop(),
                                                 .resolver = process_.resolver,
                                                 .clock = process_.clock,
                                                 .entropy = process_.entropy,
                                                 .sharing = process_.sharing});
  if (!parts) {
    Error all = parts.error().front();
    for (size_t i = 1; i < parts.error().size(); ++i)
      all.public_text += "; " + parts.error()[i].public_text;
    return fail(std::move(all));
  }
  api->parts = *std::move(parts);
  apis_.push_back(std::move(api));
  return {};
}

void EgressGeneration::start() {
  for (const auto& api : apis_) api->parts->scheme().start();
}

consumer::EgressReport EgressGeneration::report() const {
  consumer::EgressReport report(apis_.size());
  report.now = process_.clock.wall_now();
  report.config_generation = number_;
  const consumer::Instant now{process_.clock.boot_now(), report.now};
  for (size_t i = 0; i < apis_.size(); ++i) {
    const Api& api = *apis_[i];
    report.apis[i] = {.name = api.config.options.name,
                      .scheme = std::string(api.config.scheme->name),
                      .upstream = api.config.options.origin,
                      .auth = consumer::auth_state_of(api.parts->scheme(), api.ends, now)};
  }
  return report;
}

LoopGeneration::LoopApi::LoopApi(std::shared_ptr<EgressGeneration::Api> api, EgressProcess& process,
                                 net::Loop& loop)
    : shared(std::move(api)),
      home(process.home->loop()),
      pool(shared->parts->make_pool(loop, process.resolver)),
      scheme(shared->parts->scheme().for_loop(loop)),
      policy(shared->config.calls, process.entropy) {}

LoopGeneration::LoopApi::~LoopApi() {
  scheme.reset();
  pool.reset();
  // The last one to hold it may be this loop; it ends at home.
  home.post([api = std::move(shared)] {});
}

LoopGeneration::LoopGeneration(std::shared_ptr<EgressGeneration> shared, net::Loop& loop,
                               consumer::AccessLog& log, const LoopGeneration* previous)
    : shared_(std::move(shared)) {
  EgressProcess& process = shared_->process();
  if (previous) take_over(*previous);
  if (!counters_) counters_ = std::make_shared<consumer::EgressCounters>(shared_->apis().size());
  apis_.resize(shared_->apis().size());
  for (size_t i = 0; i < apis_.size(); ++i) {
    const auto& api = shared_->apis()[i];
    if (!apis_[i]) apis_[i] = std::make_shared<LoopApi>(api, process, loop);
    egress_apis_.push_back({.options = api->config.options,
                            .scheme_name = std::string(api->config.scheme->name),
                            .scheme = apis_[i]->scheme.get(),
                            .process_scheme = &api->parts->scheme(),
                            .upstream = apis_[i]->pool.get(),
                            .policy = &apis_[i]->policy,
                            .journal = process.journal});
  }
  const bool has_rules = shared_->callers().has_rules();
  service_.emplace(egress_apis_, loop, process.clock, log, shared_->config().egress,
                   consumer::EgressParts{.callers = has_rules ? &shared_->callers() : nullptr,
                                         .counters = counters_.get(),
                                         .entropy = &process.entropy});
}

LoopGeneration::~LoopGeneration() {
  service_.reset();
  apis_.clear();
  net::Loop& home = shared_->process().home->loop();
  home.post([shared = std::move(shared_)] {});
}

bool LoopGeneration::has_same_names(const LoopGeneration& previous) const {
  return std::ranges::equal(
      shared_->apis(), previous.shared_->apis(), {},
      [](const auto& api) { return api->config.options.name; },
      [](const auto& api) { return api->config.options.name; });
}

void LoopGeneration::take_over(const LoopGeneration& previous) {
  if (has_same_names(previous)) counters_ = previous.counters_;
  apis_.resize(shared_->apis().size());
  for (const auto& had : previous.apis_) {
    const auto place = std::ranges::find(shared_->apis(), had->shared);
    if (place == shared_->apis().end()) {
      had->pool->retire();
    } else {
      apis_[static_cast<size_t>(place - shared_->apis().begin())] = had;
    }
  }
}

LoopSample LoopGeneration::sample() const {
  LoopSample sample{.counters = *counters_, .connections = {}, .idle = {}};
  for (const auto& api : apis_) {
    sample.connections.push_back(api->pool->connections());
    sample.idle.push_back(api->pool->idle_connections());
  }
  return sample;
}

}  // namespace countersign::cli
