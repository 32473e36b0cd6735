#include "consumer/egress/egress_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "consumer/egress/api_routing.h"
#include "consumer/egress/egress_call.h"
#include "consumer/egress/egress_target.h"
#include "consumer/egress/location.h"
#include "consumer/idempotency_key.h"
#include "core/ascii.h"
#include "http/relay.h"
#include "http/target.h"

namespace countersign::consumer {
namespace {

using protocol::Reason;

// An answer that is discarded is read as far as it is there, so that its connection can be used
// again.
constexpr int discarded_pieces_max = 8;

class RequestFields final : public http::RelayFields {
 public:
  RequestFields(const FieldFilter& filter, const Attached& attached, const CallContext& context,
                std::string_view added_key)
      : filter_(filter), attached_(attached), context_(context), added_key_(added_key) {}
  bool passes(const http::Field& field) const override {
    return filter_.request_passes(field.name);
  }
  void add(http::HeadWriter& writer) const override {
    writer.field(attached_.field_name, attached_.field_value);
    if (!added_key_.empty()) writer.field(idempotency_key_field, added_key_);
    context_.add_trace(writer);
  }

 private:
  const FieldFilter& filter_;
  const Attached& attached_;
  const CallContext& context_;
  std::string_view added_key_;
};

// What the caller is told about its call, beside the answer.
struct ToldCall {
  CallOutcome outcome;
  int attempts;
  std::string_view added_key;
};

class ResponseFields final : public http::RelayFields {
 public:
  ResponseFields(const ToldCall& told, const http::ResponseHead& head, const EgressApiOptions& api)
      : told_(told) {
    const http::Field* location = head.find("Location");
    if (location)
      location_ = rewritten_location(
          location->value,
          {.origin = api.origin, .prefix = api.path_prefix, .strip_prefix = api.strip_prefix});
  }
  bool passes(const http::Field& field) const override {
    if (location_ && ascii::equal_ignoring_case(field.name, "location")) return false;
    return response_field_passes(field.name);
  }
  void add(http::HeadWriter& writer) const override {
    if (location_) writer.field("Location", *location_);
    writer.field(outcome_field, name_of(told_.outcome));
    writer.field(attempts_field, static_cast<uint64_t>(told_.attempts));
    if (!told_.added_key.empty()) writer.field(added_key_field, told_.added_key);
  }

 private:
  ToldCall told_;
  std::optional<std::string> location_;  // in place of the upstream's
};

std::string without_last_slash(std::string prefix) {
  if (prefix.ends_with('/')) prefix.pop_back();
  return prefix;
}

std::vector<std::string> credential_fields_of(const std::vector<EgressApi>& apis) {
  std::vector<std::string> names;
  for (const EgressApi& api : apis) names.emplace_back(api.process_scheme->field_name());
  return names;
}

Task<void> discard_answer(http::ClientExchange& upstream) {
  for (int i = 0; i < discarded_pieces_max && upstream.body_buffered(); ++i) {
    const auto piece = co_await upstream.read_body();
    if (!piece || piece->empty()) break;
  }
}

}  // namespace

Result<void> check_apis(const std::vector<EgressApi>& apis) {
  std::vector<std::string> places;  // "host/prefix"
  const auto is_taken = [&places](std::string place) {
    places.push_back(std::move(place));
    return std::ranges::count(places, places.back()) > 1;
  };
  for (const EgressApi& api : apis) {
    const EgressApiOptions& options = api.options;
    const auto wrong = [&](std::string_view what) {
      return fail(ErrorKind::misconfigured, "egress.bad_api",
                  "API \"" + options.name + "\": " + std::string(what));
    };
    if (options.name.empty()) return wrong("it has no name");
    if (!http::parse_canonical_path(options.path_prefix))
      return wrong("its prefix is not a canonical path");
    if (options.deadline <= std::chrono::milliseconds(0))
      return wrong("its deadline is not positive");
    const std::string prefix = without_last_slash(options.path_prefix);
    if (options.hosts.empty() && is_taken(prefix)) return wrong("another API has the same prefix");
    for (const std::string& host : options.hosts) {
      if (!http::is_host(host)) return wrong("\"" + host + "\" is not a host name without a port");
      if (is_taken(ascii::lower(host) + prefix))
        return wrong("another API has the same host and prefix");
    }
  }
  return {};
}

EgressService::EgressService(std::vector<EgressApi> apis, Executor& loop, const Clock& clock,
                             AccessLog& log, EgressOptions options, EgressParts parts)
    : apis_(std::move(apis)),
      loop_(loop),
      clock_(clock),
      log_(log),
      options_(options),
      parts_(parts),
      filter_(credential_fields_of(apis_)) {
  if (parts_.entropy) trace_ids_.emplace(*parts_.entropy);
  for (size_t i = 0; i < apis_.size(); ++i) {
    apis_[i].number = i;
    apis_[i].options.path_prefix = without_last_slash(apis_[i].options.path_prefix);
  }
  std::ranges::sort(apis_, std::ranges::greater(),
                    [](const EgressApi& api) { return api.options.path_prefix.size(); });
}

EgressService::~EgressService() = default;

const EgressApi* EgressService::api_for(const http::RequestHead& request) const {
  return find_api(apis_, request);
}

// Fails closed: what is not understood is not given a credential.
std::optional<Reason> EgressService::refusal_of(const http::RequestHead& request,
                                                const EgressApi* api,
                                                const http::PeerInfo& peer) const {
  if (!api) return Reason::route_unknown;
  if (has_dot_segment(request.path)) return Reason::path_not_canonical;
  // TRACE would show the credential to the caller; CONNECT asks for a tunnel past this service.
  if (request.method == "TRACE" || request.method == "CONNECT") return Reason::method_not_allowed;
  const bool from_browser = request.find("Origin") || request.find("Sec-Fetch-Site");
  if (from_browser && !options_.unsafe_allow_browsers) return Reason::caller_not_allowed;
  if (!parts_.callers) return std::nullopt;
  const EgressApiOptions& options = api->options;
  std::string_view path = request.path;
  if (options.strip_prefix) path.remove_prefix(options.path_prefix.size());
  if (path.empty()) path = "/";
  return parts_.callers->refusal_of(
      {.peer = peer, .api = options.name, .method = request.method, .path = path});
}

Instant EgressService::now() {
  const BootTime boot = loop_.now();
  // The wall clock is read once a turn, as the boot clock is.
  if (boot != cached_now_.boot) cached_now_ = {boot, clock_.wall_now()};
  return cached_now_;
}

Task<void> EgressService::serve(http::Exchange& exchange) {
  Call call(*this, exchange);
  std::optional<EgressProblem> problem = call.refusal();
  http::RelayBody body(exchange, call.keep_bytes());
  if (!problem && call.is_journalled()) problem = co_await call.record(body);
  while (!problem) {
    if (!call.attach()) {
      const auto ready = co_await call.api()->scheme->wait_ready(call.deadline());
      if (!ready) problem = call.not_ready(ready.error());
      continue;
    }
    auto opened = co_await call.api()->upstream->open(
        {.deadline = call.deadline(), .fresh_connection = call.wants_fresh_connection()});
    if (!opened) {
      if (!call.may_repeat_unopened(opened.error())) problem = call.not_opened(opened.error());
      if (!problem) co_await call.pause();
      continue;
    }
    if (!call.attach()) continue;  // it ended while the connection was being made
    std::unique_ptr<http::ClientExchange> upstream = *std::move(opened);
    call.begin_attempt();
    const auto head = co_await http::relay_request(
        exchange, body, *upstream, call.target(),
        RequestFields(filter_, call.attached(), call.context(), call.added_key()));
    if (!head) {
      if (!call.may_repeat_failed(head.error(), *upstream, body)) {
        problem = call.failed(head.error(), *upstream);
        continue;
      }
      upstream = nullptr;
      body.rewind();
      co_await call.pause();
      continue;
    }
    if (call.may_repeat_answered(**head, body)) {
      co_await discard_answer(*upstream);
      upstream = nullptr;  // back to the pool before the pause
      body.rewind();
      co_await call.pause();
      continue;
    }
    call.answered(**head);
    const auto sent = co_await http::relay_response(
        **head, *upstream, exchange,
        ResponseFields({call.outcome(), call.attempts(), call.added_key()}, **head,
                       call.api()->options));
    call.finished(body.bytes(), sent);
    co_return;
  }
  call.count_request(body.bytes());
  problem->trace_id = call.context().trace_id();
  call.refused(*problem);
  // A caller that cannot be told has gone; the log line says what became of its call.
  static_cast<void>(co_await respond_egress_problem(exchange, *problem));
}

}  // namespace countersign::consumer
