#include "client/api_parts.h"

#include <utility>

namespace countersign::client {
namespace {

constexpr size_t issuer_connections_max = 4;  // a slot asks once at a time

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

}  // namespace

std::expected<std::unique_ptr<ApiParts>, std::vector<Error>> ApiParts::create(
    const ApiConfig& config, const PartsContext& context) {
  std::vector<Error> errors;
  const auto note = [&errors](Error error) { errors.push_back(std::move(error)); };
  auto parts = std::unique_ptr<ApiParts>(new ApiParts());
  parts->pool_options_ = pool_options(config.url, config.connect_to, config.connections_max);
  auto tls = net::TlsClientContext::create(config.tls);
  if (tls) {
    parts->tls_.publish(*std::move(tls));
  } else {
    note(std::move(tls).error());
  }
  consumer::SchemeParts scheme_parts{.home = context.home,
                                     .clock = context.clock,
                                     .entropy = context.entropy,
                                     .certificate_thumbprint = config.certificate_thumbprint,
                                     .sharing = context.sharing};
  const auto add_issuer = [&](const http::Url& url, const std::optional<Endpoint>& connect_to,
                              const net::TlsClientContext::Options& options) {
    auto made = make_issuer(url, connect_to, options, context);
    if (made) return *std::move(made);
    if (errors.empty()) note(std::move(made).error());  // else the API's fault is this one's too
    return std::unique_ptr<Issuer>();
  };
  if (config.issuer) {
    parts->issuer_ = add_issuer(*config.issuer, config.issuer_connect_to, config.issuer_tls);
    if (parts->issuer_) scheme_parts.issuer = parts->issuer_->pool.get();
  }
  for (const IssuerOriginConfig& origin : config.issuer_origins) {
    auto made = add_issuer(origin.url, std::nullopt, origin.tls);
    if (!made) continue;
    scheme_parts.issuer_origins.push_back({origin.url.origin(), made->pool.get()});
    parts->issuer_origins_.push_back(std::move(made));
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  auto scheme = consumer::make_scheme(config.scheme->name, config.settings, scheme_parts);
  if (scheme) {
    parts->scheme_ = *std::move(scheme);
  } else {
    note(std::move(scheme).error());
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return parts;
}

Result<std::unique_ptr<ApiParts::Issuer>> ApiParts::make_issuer(
    const http::Url& url, const std::optional<Endpoint>& connect_to,
    const net::TlsClientContext::Options& tls, const PartsContext& context) {
  auto issuer = std::make_unique<Issuer>();
  CS_TRY(auto made, net::TlsClientContext::create(tls));
  issuer->tls.publish(std::move(made));
  issuer->pool = std::make_unique<net::ClientPool>(
      context.home, context.resolver, pool_options(url, connect_to, issuer_connections_max),
      &issuer->tls);
  return issuer;
}

std::unique_ptr<net::ClientPool> ApiParts::make_pool(net::Loop& loop,
                                                     net::Resolver& resolver) const {
  return std::make_unique<net::ClientPool>(loop, resolver, pool_options_, &tls_);
}

}  // namespace countersign::client
