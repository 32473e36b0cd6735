// countersign::client: calls one payment API with the credential attached, and says what became of
// each call. What the egress does for backends in any language, inside a C++ program.
//
//   auto made = countersign::client::Client::from_config_file("egress.toml", "acme");
//   if (!made) return complain(made.text());
//   const auto outcome = made.client->call({.method = "POST", .target = "/v1/payments",
//                                           .fields = {{"Content-Type", "application/json"}},
//                                           .body = payment});
//   switch (outcome.kind) { … }
//
// - Mutual TLS 1.3 to configured trust anchors only; nothing is sent without a valid credential;
//   nothing is silently sent twice. Fails closed.
// - Redirects are answers: never followed. Bodies are neither compressed nor decompressed.
// HTTP/1.1.
// - No exceptions for outcomes or for bad options. What throws inside, which is running out of
//   memory, ends the process.
//
// Threads: a Client may be used by many threads at once. Its own threads block all signals; the
// dispositions of the process (SIGPIPE too) stay as they are.
//
// fork(): connections and threads stay the parent's. In the child, calls are `not_sent` with code
// `client.forked`, and destroying the client frees nothing, so that the child cannot disturb the
// parent's connections. Make clients after forking.
//
// Does NOT: write a log, keep core dumps from happening, or journal writes over a crash (the egress
// does all three).
//
// C++20, standard headers only. Link countersign::client (CMake) or countersign (pkg-config).

#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <countersign/call.h>
#include <countersign/export.h>
#include <countersign/options.h>
#include <countersign/secret.h>

namespace countersign::client {
inline namespace v0 {

// What is wrong with options or a configuration.
struct Problem {
  std::string where;  // "base_url", "scheme.issuer", or "egress.toml:12: api[0].certificate"
  std::string text;   // what is wrong, and what was expected; holds no secret
};

struct CallOptions {
  // In place of the client's. 1 ms to 1 h; others are brought into that range.
  std::optional<std::chrono::milliseconds> deadline = {};
  std::optional<std::size_t> response_bytes_max = {};
  // Ends the call early. What it came to is then `not_sent` or `unknown` (code `client.cancelled`),
  // or `answered` with what of the body had come.
  std::stop_token stop = {};
};

struct AsyncOptions : CallOptions {
  // Called on a thread of the library with work to run soon, once, on a thread of yours: there the
  // coroutine is resumed. For Asio: `[&](std::function<void()> f) { asio::post(io, std::move(f));
  // }`. Empty: resumed on the library's thread, which serves all other calls of this client: do not
  // block there, and do not use call() (it is refused). Must not throw.
  std::function<void(std::function<void()>)> post = {};
};

class CallState;  // the library's own

// One call, awaited once, in a coroutine of any type:
//   Outcome outcome = co_await client.async_call(std::move(request));
// Nothing is sent before it is awaited. Independent of the Client's lifetime: a client that is gone
// makes it `not_sent`, one that goes meanwhile ends it.
//
// Destroying it while it is awaited (by destroying the coroutine) ends the call as by cancellation,
// and the coroutine is never resumed. Do that on the thread on which it would be resumed: the one
// that `post` leads to, or the library's.
class [[nodiscard]] COUNTERSIGN_API PendingCall final {
 public:
  PendingCall(PendingCall&& other) noexcept;
  PendingCall& operator=(PendingCall&&) = delete;
  ~PendingCall();

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting);
  Outcome await_resume();

 private:
  friend class Client;
  explicit PendingCall(std::shared_ptr<CallState> state) noexcept;
  std::shared_ptr<CallState> state_;
};

struct Created;

class COUNTERSIGN_API Client final {
 public:
  // Checks the options and starts the threads. Connects to nothing yet, but asks for the first
  // token. Costs milliseconds; keep a client as long as you call its API.
  static Created create(ClientOptions options);
  // The [[api]] called `api_name` of an egress's configuration file
  // (docs/reference/egress-toml.md), with COUNTERSIGN__… environment variables laid over it as the
  // egress does. Its rules about deadlines, repeats and idempotency keys hold, those of its routes
  // too. What concerns the egress alone (listeners, prefixes, journal, who may call) is not looked
  // at. Of `base`, what the file does not say counts: `threads` and `response_bytes_max`.
  static Created from_config_file(const std::filesystem::path& file, std::string_view api_name,
                                  ClientOptions base = {});

  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  // Ends the calls that are under way: they return or are resumed with what is known (code
  // `client.stopped`), before the destructor returns or, where `post` is used, soon. Waits for a
  // look-up of a name that is under way, which the system's resolver bounds. Not on a thread of the
  // library: that ends the process with a message.
  ~Client();

  // Blocks until the outcome is known, which the deadline bounds. Never throws for an outcome.
  Outcome call(Request request, CallOptions options = {}) const;
  // The same, to be awaited.
  PendingCall async_call(Request request, AsyncOptions options = {}) const;

 private:
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

// A client, or why there is none.
struct Created {
  std::optional<Client> client = {};   // set if there is no problem
  std::vector<Problem> problems = {};  // all of them

  explicit operator bool() const noexcept { return client.has_value(); }
  // The problems, a line each: "where: text".
  COUNTERSIGN_API std::string text() const;
};

}  // namespace v0
}  // namespace countersign::client
