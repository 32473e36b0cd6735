// Programs of others, as processes: oidc-provider as issuer and nginx as an API that wants client
// certificates; and an egress of ours in front of them.

#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip_address.h"
#include "core/result.h"
#include "drill/caller.h"
#include "drill/child_process.h"
#include "drill/throwaway_pki.h"

namespace countersign::interop {

// What is missing on this machine, in words; empty if everything is there.
std::string missing_programs();

// The value, or a failed test with the error's text.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().for_log());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

class Issuer final {
 public:
  // `clients` and `methods` are JSON arrays, as issuer.mjs reads them; methods may be empty: all.
  static Issuer start(const std::filesystem::path& folder, const drill::ThrowawayPki& pki,
                      std::string_view clients, std::string_view methods = "");

  const Endpoint& address() const { return address_; }        // asks for no certificate
  const Endpoint& mutual_tls() const { return mutual_tls_; }  // asks for one
  drill::ChildProcess& process() { return *process_; }
  // Until the issuer has answered this client with this status `count` times, from line `from` of
  // its output on.
  void wait_for_answers(std::string_view client, int status, int count, size_t from);

 private:
  std::unique_ptr<drill::ChildProcess> process_;
  Endpoint address_;
  Endpoint mutual_tls_;
};

// Answers 200 with the Authorization field it got, or 401 without a bearer token. Logs a line
// "api_request STATUS PATH" for each request.
class Api final {
 public:
  // `client_anchors`: PEM file of the CAs, and self-signed certificates, that are let in.
  static Api start(const std::filesystem::path& folder, const drill::ThrowawayPki& pki,
                   const std::filesystem::path& client_anchors);

  const Endpoint& address() const { return address_; }
  drill::ChildProcess& process() { return *process_; }

 private:
  std::unique_ptr<drill::ChildProcess> process_;
  Endpoint address_;
};

// One [[api]] of the egress. Its client id and path prefix are its name.
struct EgressApi {
  std::string name;
  std::string scheme;
  std::string settings;  // TOML lines of the scheme's table
  const drill::Identity* identity = nullptr;
};

struct Egress {
  std::unique_ptr<drill::ChildProcess> process;
  std::unique_ptr<drill::Caller> backend;
};
Egress start_egress(const std::filesystem::path& folder, const drill::ThrowawayPki& pki,
                    const Issuer& issuer, const Api& api, const std::vector<EgressApi>& apis);

// A self-signed certificate and its key, made by the openssl command.
drill::Identity self_signed(const std::filesystem::path& folder, std::string_view name);

std::string read_file(const std::filesystem::path& path);

}  // namespace countersign::interop
