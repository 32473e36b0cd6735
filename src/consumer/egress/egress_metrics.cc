// /metrics of the egress: the table of families, and a page made of a report.

#include <array>

#include "consumer/egress/egress_report.h"

namespace countersign::consumer {
namespace {

using enum MetricType;

enum Family : size_t {
  start_time,
  config_generation,
  draining,
  calls,
  call_duration,
  attempts,
  calls_in_flight,
  problems,
  upstream_connections,
  token_state,
  token_expiry,
  token_grants,
  token_failures,
  certificate_not_after,
  trust_anchors_not_after,
  auth_runway,
  family_count,
};

constexpr auto rows = std::to_array<MetricRow>({
    {"countersign_egress_start_time_seconds", gauge,
     "When the process started, seconds since 1970."},
    {"countersign_egress_config_generation", gauge,
     "Which configuration is in force; 1 is the one that the process started with."},
    {"countersign_egress_draining", gauge, "1 while the process finishes its last calls, else 0."},
    {"countersign_egress_calls_total", counter,
     "Calls that ended, by what the caller was told. Series appear with their first call.",
     "api, method, status, outcome"},
    {"countersign_egress_call_duration_seconds", histogram,
     "From a call's arrival to the end of its answer.", "api"},
    {"countersign_egress_attempts_total", counter,
     "How often calls were begun to be sent to the provider.", "api"},
    {"countersign_egress_calls_in_flight", gauge, "Calls under way.", "api"},
    {"countersign_egress_problems_total", counter,
     "Answers of the egress itself, by reason. Series appear with their first answer.", "reason"},
    {"countersign_egress_upstream_connections", gauge, "Connections to the provider.",
     "api, state"},
    {"countersign_egress_token_state", gauge,
     "1 for the state that the API's token is in, 0 for the others. Only of schemes with tokens.",
     "api, state"},
    {"countersign_egress_token_expiry_seconds", gauge,
     "Until the token in use ends; 0 without a token.", "api"},
    {"countersign_egress_token_grants_total", counter, "Tokens obtained.", "api"},
    {"countersign_egress_token_failures_total", counter, "Attempts that gave no token.", "api"},
    {"countersign_egress_certificate_not_after_seconds", gauge,
     "When the client's certificate ends, seconds since 1970.", "api"},
    {"countersign_egress_trust_anchors_not_after_seconds", gauge,
     "When the last of the provider's trusted CAs ends, seconds since 1970.", "api"},
    {"countersign_egress_auth_runway_seconds", gauge,
     "Until calls must fail if nobody does anything: the least of token (where it cannot be "
     "renewed), certificate and CAs. 0: they fail now.",
     "api"},
});
static_assert(rows.size() == family_count, "one row a family, in the order of the enumeration");

constexpr auto token_states =
    std::to_array({TokenStatus::empty, TokenStatus::fresh, TokenStatus::stale_valid,
                   TokenStatus::expired, TokenStatus::rejected, TokenStatus::misconfigured});

constexpr auto outcomes =
    std::to_array({CallOutcome::answered, CallOutcome::not_sent, CallOutcome::unknown});
static_assert(outcomes.size() == outcome_count);

double seconds_since_1970(WallTime time) {
  return static_cast<double>(to_unix_seconds(time));
}

class Page final {
 public:
  explicit Page(const EgressReport& report) : report_(report) {}

  std::string make() && {
    process();
    traffic();
    problems_by_reason();
    each(upstream_connections, [&](const ApiReport& api, const ApiCounters&) {
      page_.sample({{"api", api.name}, {"state", "busy"}}, api.connections_busy);
      page_.sample({{"api", api.name}, {"state", "idle"}}, api.connections_idle);
    });
    tokens();
    ends();
    return page_.take();
  }

 private:
  void single(Family family, double value) {
    page_.family(rows[family]);
    page_.sample({}, value);
  }
  template <typename Show>
  void each(Family family, Show show) {
    page_.family(rows[family]);
    for (size_t i = 0; i < report_.apis.size(); ++i)
      show(report_.apis[i], report_.counters.apis[i]);
  }
  template <typename Show>
  void each_with_token(Family family, Show show) {
    each(family, [&](const ApiReport& api, const ApiCounters&) {
      if (api.auth.has_token) show(api);
    });
  }

  void process() {
    single(start_time, seconds_since_1970(report_.started));
    single(config_generation, static_cast<double>(report_.config_generation));
    single(draining, report_.draining ? 1 : 0);
  }

  void traffic() {
    each(calls, [&](const ApiReport& api, const ApiCounters& counters) {
      for (size_t method = 0; method < method_classes.size(); ++method) {
        for (size_t status = 0; status < status_classes.size(); ++status)
          by_outcome(api, counters, method, status);
      }
    });
    each(call_duration, [&](const ApiReport& api, const ApiCounters& counters) {
      page_.histogram({{"api", api.name}}, duration_bounds, counters.durations,
                      std::chrono::duration<double>(counters.duration_sum).count());
    });
    each(attempts, [&](const ApiReport& api, const ApiCounters& counters) {
      page_.sample({{"api", api.name}}, counters.attempts);
    });
    each(calls_in_flight, [&](const ApiReport& api, const ApiCounters& counters) {
      page_.sample({{"api", api.name}}, counters.in_flight);
    });
  }

  void by_outcome(const ApiReport& api, const ApiCounters& counters, size_t method, size_t status) {
    for (const CallOutcome outcome : outcomes) {
      const uint64_t count = counters.calls[method][status][static_cast<size_t>(outcome)];
      if (count == 0) continue;
      page_.sample({{"api", api.name},
                    {"method", method_classes[method]},
                    {"status", status_classes[status]},
                    {"outcome", name_of(outcome)}},
                   count);
    }
  }

  void problems_by_reason() {
    page_.family(rows[problems]);
    for (const protocol::ReasonRow& row : protocol::all_reasons()) {
      const uint64_t count = report_.counters.problems[static_cast<size_t>(row.reason)];
      if (count > 0) page_.sample({{"reason", row.code}}, count);
    }
  }

  void tokens() {
    each_with_token(token_state, [&](const ApiReport& api) {
      for (const TokenStatus state : token_states) {
        page_.sample({{"api", api.name}, {"state", name_of(state)}},
                     uint64_t{api.auth.token_status == state ? 1u : 0u});
      }
    });
    each_with_token(token_expiry, [&](const ApiReport& api) {
      page_.sample({{"api", api.name}}, api.auth.token_seconds);
    });
    each_with_token(token_grants, [&](const ApiReport& api) {
      page_.sample({{"api", api.name}}, api.auth.grants);
    });
    each_with_token(token_failures, [&](const ApiReport& api) {
      page_.sample({{"api", api.name}}, api.auth.failures);
    });
  }

  void ends() {
    each(certificate_not_after, [&](const ApiReport& api, const ApiCounters&) {
      if (const auto& end = api.auth.ends.certificate)
        page_.sample({{"api", api.name}}, seconds_since_1970(*end));
    });
    each(trust_anchors_not_after, [&](const ApiReport& api, const ApiCounters&) {
      if (const auto& end = api.auth.ends.trust_anchors)
        page_.sample({{"api", api.name}}, seconds_since_1970(*end));
    });
    each(auth_runway, [&](const ApiReport& api, const ApiCounters&) {
      page_.sample({{"api", api.name}}, api.auth.runway_seconds);
    });
  }

  const EgressReport& report_;
  MetricsPage page_;
};

}  // namespace

std::span<const MetricRow> all_egress_metrics() {
  return rows;
}

std::string metrics_page(const EgressReport& report) {
  return Page(report).make();
}

}  // namespace countersign::consumer
