// Caller: one HTTP client that blocks, for programs that act as a backend, an operator or an
// attacker.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/published.h"
#include "core/result.h"
#include "http/client.h"
#include "net/client_pool.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace countersign::drill {

struct CallerOptions {
  Endpoint server;
  std::string authority;  // the Host field; empty: the server's address and port
  std::optional<net::TlsClientContext::Options> tls;
  std::chrono::milliseconds patience{20'000};  // for each call
};

struct Answer {
  http::SimpleResponse response;
  std::chrono::microseconds took{};
};

class Caller final {
 public:
  static Result<std::unique_ptr<Caller>> create(CallerOptions options);
  ~Caller();

  // Over a kept connection where there is one.
  Result<Answer> call(http::SimpleRequest request);

 private:
  explicit Caller(CallerOptions options) : options_(std::move(options)) {}
  CallerOptions options_;
  SystemClock clock_;
  Published<net::TlsClientContext> tls_;
  net::Resolver resolver_{clock_, {}};
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::ClientPool> pool_;
};

}  // namespace countersign::drill
