#include "consumer/issuer_endpoint.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "http/target.h"

namespace countersign::consumer {
namespace {

std::unexpected<TokenFailure> transient(Error error) {
  return std::unexpected(TokenFailure{.error = std::move(error)});
}

std::unexpected<TokenFailure> permanent(std::string_view code, std::string_view text,
                                        std::string_view detail = {}) {
  return std::unexpected(TokenFailure{
      .error = make_error(ErrorKind::misconfigured, code, text, detail), .permanent = true});
}

// The server has something else here, or nothing: the document may be at its other place.
bool is_elsewhere(const http::SimpleResponse& answer) {
  constexpr int too_many_requests = 429;
  if (answer.status == 200) return !is_json_answer(answer);
  return answer.status < 500 && answer.status != too_many_requests;
}

bool offers(const std::vector<std::string>& offered, const std::string& wanted) {
  return offered.empty() || std::ranges::find(offered, wanted) != offered.end();
}

}  // namespace

bool is_json_answer(const http::SimpleResponse& answer) {
  const std::string_view content_type = answer.value("Content-Type");
  const std::string_view type = ascii::trim(content_type.substr(0, content_type.find(';')));
  return ascii::equal_ignoring_case(type, "application/json");
}

IssuerEndpoint::IssuerEndpoint(http::Client& issuer_client, const Clock& clock, Options options)
    : client_(issuer_client), clock_(clock), options_(std::move(options)) {}

Task<std::expected<IssuerEndpoint::Place, TokenFailure>> IssuerEndpoint::find(BootTime deadline) {
  if (!options_.token_path.empty()) co_return Place{&client_, options_.token_path};
  const BootTime now = clock_.boot_now();
  if (known_ && now < ask_again_) co_return known_->place;
  auto found = co_await discover(deadline);
  if (found) {
    known_ = {*found, now};
    ask_again_ = now + options_.fresh_for;
    co_return found;
  }
  if (!known_ || now >= known_->asked + options_.kept_for) co_return found;
  ask_again_ = now + options_.doubt_interval;
  co_return known_->place;
}

void IssuerEndpoint::doubt() {
  if (known_) ask_again_ = std::min(ask_again_, known_->asked + options_.doubt_interval);
}

Task<std::expected<IssuerEndpoint::Place, TokenFailure>> IssuerEndpoint::discover(
    BootTime deadline) {
  std::string statuses;
  for (const auto path_of : {protocol::well_known_path, protocol::openid_configuration_path}) {
    auto path = path_of(options_.issuer);
    if (!path) co_return transient(std::move(path).error());
    auto answer = co_await http::fetch(client_,
                                       {.target = *std::move(path),
                                        .fields = {{"Accept", "application/json"}},
                                        .body = {},
                                        .response_bytes_max = options_.response_bytes_max},
                                       deadline);
    if (!answer) co_return transient(std::move(answer).error());
    if (answer->status == 200 && is_json_answer(*answer)) co_return read_metadata(answer->body);
    statuses += (statuses.empty() ? "status " : ", then ") + std::to_string(answer->status);
    if (!is_elsewhere(*answer)) break;
  }
  co_return transient(make_error(ErrorKind::unavailable, "consumer.no_metadata",
                                 "the issuer gave no metadata", statuses));
}

std::expected<IssuerEndpoint::Place, TokenFailure> IssuerEndpoint::read_metadata(
    const std::string& body) const {
  auto metadata = protocol::parse_metadata(body, options_.issuer);
  if (!metadata && metadata.error().code == "metadata.wrong_issuer") {
    return permanent(metadata.error().code,
                     "the issuer does not name itself as the setting \"issuer\" does");
  }
  if (!metadata) return transient(std::move(metadata).error());
  if (auto offered = check_offer(*metadata); !offered) {
    return std::unexpected(std::move(offered).error());
  }
  return place_of(metadata->token_endpoint_for(options_.mutual_tls));
}

// RFC 8414 §2: without the list the default is client_secret_basic. Issuers that leave it out serve
// other methods all the same, so its absence is no answer; the token endpoint gives one.
std::expected<void, TokenFailure> IssuerEndpoint::check_offer(
    const protocol::ServerMetadata& metadata) const {
  if (!offers(metadata.token_endpoint_auth_methods_supported, options_.auth_method)) {
    return permanent("consumer.auth_method_not_offered",
                     "the issuer does not offer the configured client_auth", options_.auth_method);
  }
  if (!options_.signing_algorithm.empty() &&
      !offers(metadata.token_endpoint_auth_signing_alg_values_supported,
              options_.signing_algorithm)) {
    return permanent("consumer.signing_algorithm_not_offered",
                     "the issuer does not take signatures of the configured key's algorithm",
                     options_.signing_algorithm);
  }
  return {};
}

std::expected<IssuerEndpoint::Place, TokenFailure> IssuerEndpoint::place_of(
    const std::string& endpoint) const {
  const auto issuer = http::parse_url(options_.issuer);
  const auto url = http::parse_url(endpoint);
  if (issuer && url) {
    if (url->origin() == issuer->origin()) return Place{&client_, url->target()};
    for (const IssuerOrigin& other : options_.other_origins) {
      if (url->origin() == other.origin) return Place{other.client, url->target()};
    }
  }
  return permanent("consumer.token_endpoint_elsewhere",
                   "the issuer's metadata names a token endpoint at another origin, which "
                   "token_endpoint_origins does not list",
                   url ? url->origin() : "");
}

}  // namespace countersign::consumer
