#include "consumer/token_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "consumer/issuer_endpoint.h"
#include "http/challenge.h"
#include "http/form.h"
#include "protocol/oauth_error.h"
#include "protocol/token_messages.h"

namespace countersign::consumer {
namespace {

constexpr size_t extra_parameters_max = 16;
constexpr size_t parameter_bytes_max = 1024;
// Room for all but the secrets, so that a form that holds one does not grow and leave a copy.
constexpr size_t request_bytes_usual = 4096;

// The parameters of token requests that RFCs give a meaning to: what is asked, by whom, and how
// that is proven. A configuration that could set one would undo what was checked of the others.
constexpr auto protocol_parameters = std::to_array<std::string_view>({"actor_token",
                                                                      "actor_token_type",
                                                                      "assertion",
                                                                      "auth_req_id",
                                                                      "client_assertion",
                                                                      "client_assertion_type",
                                                                      "client_id",
                                                                      "client_secret",
                                                                      "code",
                                                                      "code_verifier",
                                                                      "device_code",
                                                                      "dpop_jkt",
                                                                      "grant_type",
                                                                      "password",
                                                                      "redirect_uri",
                                                                      "refresh_token",
                                                                      "request",
                                                                      "request_uri",
                                                                      "requested_token_type",
                                                                      "resource",
                                                                      "scope",
                                                                      "subject_token",
                                                                      "subject_token_type",
                                                                      "username"});

TokenFailure transient(Error error) {
  return {.error = std::move(error)};
}
TokenFailure transient(std::string_view code, std::string_view text, std::string_view detail = {}) {
  return transient(make_error(ErrorKind::unavailable, code, text, detail));
}

bool is_printable(std::string_view text) {
  return !text.empty() && text.size() <= parameter_bytes_max &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string joined(const std::vector<std::string>& scopes) {
  std::string text;
  for (const std::string& name : scopes) text += (text.empty() ? "" : " ") + name;
  return text;
}

}  // namespace

struct OAuthTokenSource::Refusal {
  TokenFailure failure;
  // The issuer's verdict on the request; absent if it gave none.
  std::optional<protocol::OAuthError> verdict = {};
};

Result<void> check_extra_parameters(const std::map<std::string, std::string>& parameters) {
  const auto bad = [](const std::string& text) {
    return fail(ErrorKind::misconfigured, "consumer.bad_setting", "extra_parameters: " + text);
  };
  if (parameters.size() > extra_parameters_max) return bad("more than 16");
  for (const auto& [name, value] : parameters) {
    if (!is_printable(name) || !is_printable(value)) {
      return bad("a name or value is empty, too long, or not of printable ASCII");
    }
    if (std::ranges::find(protocol_parameters, name) != protocol_parameters.end()) {
      return bad('"' + name + "\" is a parameter of OAuth2 itself and cannot be set here");
    }
  }
  return {};
}

OAuthTokenSource::OAuthTokenSource(http::Client& issuer_client, const Clock& clock,
                                   Entropy& entropy, OAuthSourceOptions options)
    : clock_(clock),
      entropy_(entropy),
      options_(std::move(options)),
      endpoint_(std::make_unique<IssuerEndpoint>(
          issuer_client, clock,
          IssuerEndpoint::Options{
              .issuer = options_.issuer,
              .token_path = options_.token_path,
              .other_origins = options_.other_origins,
              .mutual_tls = options_.bound_to_certificate || options_.auth.by_certificate(),
              .auth_method = std::string(options_.auth.method_name()),
              .signing_algorithm = std::string(options_.auth.signing_algorithm()),
              .response_bytes_max = options_.response_bytes_max})) {}

OAuthTokenSource::~OAuthTokenSource() = default;

Task<std::expected<TokenGrant, TokenFailure>> OAuthTokenSource::fetch(FetchRequest request) {
  // A token of a grant that was revoked is followed by another of the same grant.
  if (request.last_refused) refresh_token_ = {};
  if (!refresh_token_.empty()) {
    auto refreshed = co_await ask(Grant::refresh_token, request.deadline);
    if (refreshed) co_return *std::move(refreshed);
    // Whatever went wrong, it is not shown again: it may have been used up, and a new grant is
    // always to be had.
    refresh_token_ = {};
    // Any verdict but one on the client itself is one on the refresh token, or on refreshing.
    const auto verdict = refreshed.error().verdict;
    if (!verdict || *verdict == protocol::OAuthError::invalid_client) {
      co_return std::unexpected(std::move(refreshed).error().failure);
    }
  }
  auto granted = co_await ask(Grant::client_credentials, request.deadline);
  if (!granted) co_return std::unexpected(std::move(granted).error().failure);
  co_return *std::move(granted);
}

Task<std::expected<TokenGrant, OAuthTokenSource::Refusal>> OAuthTokenSource::ask(
    Grant grant, BootTime deadline) {
  auto place = co_await endpoint_->find(deadline);
  if (!place) co_return std::unexpected(Refusal{std::move(place).error()});
  auto request = token_request(grant, std::move(place->target));
  if (!request) co_return std::unexpected(Refusal{transient(std::move(request).error())});
  auto answer = co_await http::fetch(*place->client, *std::move(request), deadline);
  if (!answer) {
    endpoint_->doubt();
    co_return std::unexpected(Refusal{transient(std::move(answer).error())});
  }
  auto result = read_answer(*answer);
  wipe(answer->body);
  if (!result && !result.error().verdict) endpoint_->doubt();
  co_return result;
}

Result<http::SimpleRequest> OAuthTokenSource::token_request(Grant grant, std::string target) const {
  http::SimpleRequest request{.method = "POST",
                              .target = std::move(target),
                              .fields = {{"Content-Type", std::string(http::form_content_type)},
                                         {"Accept", "application/json"}},
                              .body = {},
                              .response_bytes_max = options_.response_bytes_max};
  if (grant == Grant::client_credentials) {
    http::append_form_field(request.body, "grant_type", protocol::client_credentials_grant);
    const std::string scope = joined(options_.scopes);
    if (!scope.empty()) http::append_form_field(request.body, "scope", scope);
  } else {
    // RFC 6749 §6: without `scope` the new token has the scopes of the first.
    request.body.reserve(3 * refresh_token_.size() + request_bytes_usual);
    http::append_form_field(request.body, "grant_type", protocol::refresh_token_grant);
    http::append_form_field(request.body, "refresh_token", refresh_token_.unsafe_reveal_text());
  }
  for (const std::string& resource : options_.resources) {
    http::append_form_field(request.body, "resource", resource);
  }
  for (const auto& [name, value] : options_.extra_parameters) {
    http::append_form_field(request.body, name, value);
  }
  CS_CHECK(options_.auth.add_to(request, options_.issuer, clock_.wall_now(), entropy_));
  return request;
}

std::expected<TokenGrant, OAuthTokenSource::Refusal> OAuthTokenSource::read_answer(
    const http::SimpleResponse& answer) {
  const auto refused = [](TokenFailure failure) {
    return std::unexpected(Refusal{std::move(failure)});
  };
  if (answer.status != 200) return std::unexpected(read_refusal(answer));
  if (!is_json_answer(answer)) {
    return refused(transient("consumer.token_answer_not_json", "the issuer's answer is not JSON"));
  }
  auto response = protocol::parse_token_response(answer.body);
  if (!response) return refused(transient(std::move(response).error()));
  // RFC 6749 §6: an issuer that gives a new one has ended the old one; without, the old one stays.
  if (!response->refresh_token.empty()) refresh_token_ = std::move(response->refresh_token);
  if (response->token_type != protocol::TokenType::bearer) {
    return refused(
        transient("consumer.token_type_not_bearer", "the issuer's token is not a bearer token"));
  }
  TokenGrant grant{.access_token = std::move(response->access_token), .lifetime = {}};
  switch (response->expires_in.kind) {
    case protocol::ExpiresIn::Kind::given:
    case protocol::ExpiresIn::Kind::capped:
      grant.lifetime = response->expires_in.seconds;
      break;
    case protocol::ExpiresIn::Kind::missing:
    case protocol::ExpiresIn::Kind::malformed:
      break;  // the slot assumes a short life
    case protocol::ExpiresIn::Kind::not_positive:
      return refused(
          transient("consumer.token_ended_on_arrival", "the issuer's token has no lifetime left"));
  }
  return grant;
}

OAuthTokenSource::Refusal OAuthTokenSource::read_refusal(const http::SimpleResponse& answer) const {
  Refusal refusal{transient("consumer.issuer_unavailable", "the issuer gave no token",
                            "status " + std::to_string(answer.status))};
  TokenFailure& failure = refusal.failure;
  const std::string_view wait = answer.value("Retry-After");
  if (const auto seconds = http::parse_retry_after(wait, clock_.wall_now())) {
    failure.retry_after = *seconds;
  }
  // RFC 6749 §5.2: errors come as 400 or 401. From any other status the same words are a proxy's or
  // a mistake.
  const bool is_verdict = answer.status == 400 || answer.status == 401 || answer.status == 403;
  if (!is_verdict || !is_json_answer(answer)) return refusal;
  const auto said = protocol::parse_oauth_error_response(answer.body);
  if (!said || said->error == protocol::OAuthError::other) return refusal;
  const protocol::OAuthErrorRow& row = protocol::row_of(said->error);
  if (row.may_pass) return refusal;
  refusal.verdict = said->error;
  failure.permanent = true;
  failure.error = make_error(ErrorKind::misconfigured, "consumer.issuer_refuses_client",
                             "the issuer refuses this client as it is configured", row.code);
  return refusal;
}

}  // namespace countersign::consumer
