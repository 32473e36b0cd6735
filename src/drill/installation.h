// A provider and a consumer as they would be installed, on this machine: real processes, real
// files, loopback addresses. The demo, the drill and the end-to-end tests stand on it.

#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "drill/caller.h"
#include "drill/child_process.h"
#include "drill/throwaway_pki.h"

namespace countersign::drill {

inline constexpr std::string_view provider_name = "payments.provider.example";
// The issuer's identifier; the port is the default one and connections are made to where the
// gateway really listens.
inline constexpr std::string_view provider_url = "https://payments.provider.example";

struct ProviderOptions {
  std::filesystem::path binaries;  // where countersign and payment-api are
  std::filesystem::path folder;    // for configuration, stores and logs; exists
  int threads = 1;
  std::string token_lifetime = "5m";
  std::optional<Endpoint> upstream;  // in place of a payment API of its own
  std::string audit_toml;            // more of [audit]
  std::string extra_toml;            // appended to the gateway's configuration
};

// Payment API and gateway with issuer.
class Provider final {
 public:
  static Result<std::unique_ptr<Provider>> start(ProviderOptions options, const ThrowawayPki& pki);

  const Endpoint& gateway() const { return gateway_address_; }
  const Endpoint& payment_api() const { return payment_api_address_; }
  std::filesystem::path config() const { return options_.folder / "gateway.toml"; }
  std::filesystem::path audit_log() const { return options_.folder / "audit.jsonl"; }

  // `countersign ARGUMENTS --config … --output json`, as the operator would. An error if it does
  // not exit 0; else what it printed.
  Result<std::string> operate(std::vector<std::string> arguments, std::string input = {}) const;
  // The same without judging the exit code.
  Result<Finished> run(std::vector<std::string> arguments, std::string input = {}) const;

  // TLS to the gateway as `client` (none: without a certificate).
  Result<std::unique_ptr<Caller>> caller(const ThrowawayPki& pki, const Identity* client) const;

  ChildProcess& gateway_process() { return *gateway_; }
  ChildProcess& payment_api_process() { return *payment_api_; }
  // After the payment API was killed: starts it again on the same file and port.
  Result<void> restart_payment_api();

 private:
  explicit Provider(ProviderOptions options) : options_(std::move(options)) {}
  Result<void> start_payment_api(std::string_view listen);
  Result<void> write_config(const ThrowawayPki& pki) const;

  ProviderOptions options_;
  std::unique_ptr<ChildProcess> payment_api_;
  std::unique_ptr<ChildProcess> gateway_;
  Endpoint payment_api_address_;
  Endpoint gateway_address_;
};

// One API of a consumer's egress.
struct ConsumerApi {
  std::string name;  // also its path prefix
  std::string scheme;
  std::string settings;   // TOML lines of [api.SCHEME]
  std::string more = {};  // TOML lines of [[api]]
};

struct ConsumerOptions {
  std::filesystem::path binaries;
  std::filesystem::path folder;
  int threads = 1;
  bool trace_heads = true;
  std::string access_log = "-";              // standard output
  std::vector<ConsumerApi> apis;             // one without a name is served at /
  std::optional<Endpoint> issuer;            // where the issuer is, if not behind the same gateway
  std::filesystem::path trust_anchors = {};  // empty: the provider's CA
  std::string extra_toml;
};

// An egress with one client certificate for all its APIs.
class Consumer final {
 public:
  static Result<std::unique_ptr<Consumer>> start(ConsumerOptions options, const ThrowawayPki& pki,
                                                 const Identity& client, const Endpoint& gateway);

  const Endpoint& egress() const { return address_; }
  Result<std::unique_ptr<Caller>> caller() const { return Caller::create({.server = address_}); }
  ChildProcess& process() { return *process_; }

 private:
  Consumer() = default;
  std::unique_ptr<ChildProcess> process_;
  Endpoint address_;
};

// A string member of a JSON object's text; empty if it is not there.
std::string json_text_member(std::string_view json, std::string_view name);

}  // namespace countersign::drill
