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
  if (config.issuer) {
    auto issuer_tls = net::TlsClientContext::create(config.issuer_tls);
    if (issuer_tls) {
      parts->issuer_tls_.publish(*std::move(issuer_tls));
    } else if (errors.empty()) {  // what is wrong with the API's is wrong with this one too
      note(std::move(issuer_tls).error());
    }
    parts->issuer_pool_ = std::make_unique<net::ClientPool>(
        context.home, context.resolver,
        pool_options(*config.issuer, config.issuer_connect_to, issuer_connections_max),
        &parts->issuer_tls_);
  }
  auto scheme = consumer::make_scheme(config.scheme->name, config.settings,
                                      {.home = context.home,
                                       .clock = context.clock,
                                       .entropy = context.entropy,
                                       .issuer = parts->issuer_pool_.get(),
                                       .certificate_thumbprint = config.certificate_thumbprint});
  if (scheme) {
    parts->scheme_ = *std::move(scheme);
  } else {
    note(std::move(scheme).error());
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return parts;
}

std::unique_ptr<net::ClientPool> ApiParts::make_pool(net::Loop& loop,
                                                     net::Resolver& resolver) const {
  return std::make_unique<net::ClientPool>(loop, resolver, pool_options_, &tls_);
}

}  // namespace countersign::client
