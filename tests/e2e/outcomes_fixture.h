// backend → egress → FaultProxy → gateway (TLS) → FaultProxy → payment API (plain), and what the
// payment API has recorded.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "e2e/whole_path.h"
#include "store/sqlite.h"
#include "support/fault_proxy.h"

namespace countersign::e2e {

using testing::FaultProxy;

class Outcomes : public WholePath {
 protected:
  static constexpr std::string_view keyed = "keyed";  // repeats; the provider honours keys
  static constexpr std::string_view plain = "plain";  // no repeats, no keys

  Outcomes() {
    const std::string program = std::string(COUNTERSIGN_BINARIES) + "/payment-api";
    api = must(
        drill::ChildProcess::start({.argv = {program, "--listen", "127.0.0.1:0", "--database",
                                             folder / "payments.db", "--unsafe-optional-keys"}}));
    const std::string line = must(api->wait_for_line([](std::string_view text) {
      return text.find("payment_api.listening") != std::string_view::npos;
    }));
    near_api.emplace(must(Endpoint::parse(drill::json_text_member(line, "address"))));
    start_provider({.upstream = near_api->address()});
    near_gateway.emplace(provider->gateway());
    add_key_client();
    must(drill::write_private_file(folder / "api-key",
                                   issue_key({"--certificate", client.certificate.string()})));
    payments = must(store::Database::open(folder / "payments.db", {.create = false}));
  }

  // `rules` are lines of each API's route.
  void start_egress(std::string_view rules = "", std::string_view more_toml = "") {
    const std::string route =
        "key_file = \"api-key\"\n[[api.route]]\npath = \"/v1/payments\"\n" + std::string(rules);
    const std::string repeats =
        "retries_max = 3\nbackoff_first = \"1ms\"\nidempotency_key_honoured = true\n"
        "add_idempotency_key = true\nretry_budget_percent = 100\n";
    consumer =
        must(drill::Consumer::start({.binaries = COUNTERSIGN_BINARIES,
                                     .folder = folder.path(),
                                     .trace_heads = false,
                                     .apis = {{std::string(keyed), "api_key", route, repeats},
                                              {std::string(plain), "api_key", route}},
                                     .extra_toml = std::string(more_toml)},
                                    pki, client, near_gateway->address()));
    backend = must(consumer->caller());
  }

  // A payment that can be counted by its reference.
  static http::SimpleRequest pay(std::string_view api_name, const std::string& reference,
                                 bool with_key) {
    http::SimpleRequest made = payment("/" + std::string(api_name) + "/v1/payments", reference);
    if (!with_key) made.fields.pop_back();
    const size_t at = made.body.find("Invoice 1");
    made.body.replace(at, std::string_view("Invoice 1").size(), reference);
    return made;
  }
  int64_t recorded(const std::string& reference) {
    return must(payments->query_integer("SELECT count(*) FROM payments WHERE reference = ?1",
                                        std::string_view(reference)))
        .value_or(-1);
  }

  // What the backend was told, against what is recorded.
  void expect_true(const Result<drill::Answer>& told, const std::string& reference,
                   std::string_view point) {
    const int64_t made = recorded(reference);
    const bool answered = told.has_value();
    const std::string outcome =
        answered ? std::string(told->response.value("Countersign-Outcome")) : "unknown";
    const int status = answered ? told->response.status : 0;
    ++told_[outcome];
    if (outcome == "answered") {
      EXPECT_EQ(made, status < 300 ? 1 : 0) << point << ": answered " << status;
    } else if (outcome == "not_sent") {
      EXPECT_EQ(made, 0) << point << ": not sent";
    } else {
      EXPECT_EQ(outcome, "unknown") << point;
      EXPECT_LE(made, 1) << point << ": unknown";
    }
  }

  std::unique_ptr<drill::ChildProcess> api;
  std::optional<FaultProxy> near_api;
  std::optional<FaultProxy> near_gateway;
  std::unique_ptr<store::Database> payments;
  std::unique_ptr<drill::Caller> backend;
  std::map<std::string, int> told_;
};

}  // namespace countersign::e2e
