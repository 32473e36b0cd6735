#include "bench/processes/tokens_issuer.h"

#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>

#include "core/entropy.h"
#include "core/secret_file.h"
#include "core/text_file.h"
#include "http/credentials.h"
#include "http/service.h"
#include "net/listener.h"

namespace countersign::bench {
namespace {

// As much as a small payment.
constexpr size_t api_body_bytes = 200;

constexpr http::Field no_store{"Cache-Control", "no-store"};

Task<void> refuse(http::Exchange& exchange, std::string_view challenge, std::string body) {
  static_cast<void>(co_await http::respond(exchange, 401, "application/json", std::move(body),
                                           {{"WWW-Authenticate", challenge}}));
}

}  // namespace

// What is known of clients and tokens. Written on the server's thread, read on others.
class FakeIssuer::Books final {
 public:
  explicit Books(Secret secret) : secret_(std::move(secret)) {}

  bool knows(const http::BasicCredentials& credentials) const {
    const std::lock_guard lock(mutex_);
    return clients_.contains(credentials.client_id) && credentials.secret == secret_;
  }
  void add(const std::string& id, std::chrono::seconds lifetime, std::chrono::milliseconds time) {
    const std::lock_guard lock(mutex_);
    clients_[id] = {.lifetime = lifetime, .grant_time = time};
  }
  void forget(const std::string& id) {
    const std::lock_guard lock(mutex_);
    clients_.at(id).record = {};
  }
  ClientRecord record(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return clients_.at(id).record;
  }

  std::chrono::milliseconds begin_request(const std::string& id) {
    const std::lock_guard lock(mutex_);
    Client& client = clients_.at(id);
    ++client.record.grants;
    if (client.under_way++ > 0) ++client.record.duplicates;
    return client.grant_time;
  }
  void end_request(const std::string& id) {
    const std::lock_guard lock(mutex_);
    --clients_.at(id).under_way;
  }
  // The body of the token answer.
  std::string grant(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const std::chrono::seconds lifetime = clients_.at(id).lifetime;
    std::string token = fmt::format("{}.{}", id, ++last_token_);
    std::string body =
        fmt::format(R"({{"access_token":"{}","token_type":"Bearer","expires_in":{}}})", token,
                    lifetime.count());
    // Kept to the end of the run, so that a late call can be told from a wrong one.
    tokens_[std::move(token)] = {id, SystemClock().boot_now() + lifetime};
    return body;
  }
  bool accepts(std::string_view token) {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(std::string(token));
    if (found == tokens_.end()) return false;
    if (SystemClock().boot_now() < found->second.expires) return true;
    ++clients_.at(found->second.client).record.refused;
    return false;
  }

 private:
  struct Client {
    std::chrono::seconds lifetime{};
    std::chrono::milliseconds grant_time{};
    int under_way = 0;
    ClientRecord record = {};
  };
  struct Granted {
    std::string client;
    BootTime expires{};
  };

  const Secret secret_;
  mutable std::mutex mutex_;
  std::map<std::string, Client> clients_;
  std::unordered_map<std::string, Granted> tokens_;
  uint64_t last_token_ = 0;
};

class FakeIssuer::Desk final : public http::Service {
 public:
  Desk(net::Loop& loop, Books& books) : loop_(loop), books_(books) {}

  Task<void> serve(http::Exchange& exchange) override {
    if (exchange.request().path == token_path) {
      co_await serve_token(exchange);
    } else {
      co_await serve_api(exchange);
    }
  }

 private:
  // Ends the request even if its connection is lost while it waits.
  class UnderWay final {
   public:
    UnderWay(Books& books, std::string id)
        : books_(books), id_(std::move(id)), grant_time_(books_.begin_request(id_)) {}
    ~UnderWay() { books_.end_request(id_); }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    std::chrono::milliseconds grant_time() const { return grant_time_; }
    std::string grant() { return books_.grant(id_); }

   private:
    Books& books_;
    const std::string id_;
    const std::chrono::milliseconds grant_time_;
  };

  std::optional<std::string> client_of(const http::Exchange& exchange) const {
    const auto field = http::parse_credentials(exchange.request().value("Authorization"));
    if (!field || !field->is("Basic")) return std::nullopt;
    auto basic = http::parse_basic_credentials(field->token);
    if (!basic || !books_.knows(*basic)) return std::nullopt;
    return std::move(basic->client_id);
  }

  Task<void> serve_token(http::Exchange& exchange) {
    std::optional<std::string> client = client_of(exchange);
    const auto form = co_await http::collect_body(exchange, 4096);
    if (!form) co_return;
    if (!client) {
      co_await refuse(exchange, "Basic realm=\"bench\"", R"({"error":"invalid_client"})");
      co_return;
    }
    UnderWay request(books_, *std::move(client));
    co_await sleep_for(loop_, request.grant_time());
    static_cast<void>(
        co_await http::respond(exchange, 200, "application/json", request.grant(), {no_store}));
  }

  Task<void> serve_api(http::Exchange& exchange) {
    const auto field = http::parse_credentials(exchange.request().value("Authorization"));
    if (!field || !field->is("Bearer") || !books_.accepts(field->token)) {
      co_await refuse(exchange, "Bearer error=\"invalid_token\"", "{}");
      co_return;
    }
    static_cast<void>(
        co_await http::respond(exchange, 200, "text/plain", std::string(api_body_bytes, 'x')));
  }

  net::Loop& loop_;
  Books& books_;
};

FakeIssuer::FakeIssuer() = default;
FakeIssuer::~FakeIssuer() = default;

Result<std::unique_ptr<FakeIssuer>> FakeIssuer::start(const PeerFiles& files) {
  auto issuer = std::unique_ptr<FakeIssuer>(new FakeIssuer());
  issuer->secret_file_ = files.folder / "client-secret";
  Secret secret = Secret::take(encode_hex(SystemEntropy().bytes(32)));
  CS_CHECK(drill::write_private_file(issuer->secret_file_, secret.unsafe_reveal_text()));
  issuer->books_ = std::make_unique<Books>(std::move(secret));
  net::TlsServerContext::Options tls{.client_certificates = net::ClientCertificates::none};
  CS_TRY(tls.identity.certificate_chain_pem, read_text_file(files.server.certificate));
  CS_TRY(tls.identity.private_key_pem, read_secret_file(files.server.private_key));
  CS_TRY(auto context, net::TlsServerContext::create(tls));
  issuer->tls_.publish(std::move(context));
  CS_TRY(const auto loopback, IpAddress::parse("127.0.0.1"));
  CS_TRY(issuer->socket_, net::ListeningSocket::create({.address = {loopback, 0}}));
  net::ServerOptions options{.threads = 1};
  options.endpoints.push_back({issuer->socket_, &issuer->tls_});
  CS_TRY(issuer->server_, net::Server::start(std::move(options),
                                             [books = issuer->books_.get()](net::Loop& loop)
                                                 -> Result<std::unique_ptr<http::Service>> {
                                               return std::make_unique<Desk>(loop, *books);
                                             }));
  return issuer;
}

const Endpoint& FakeIssuer::address() const {
  return socket_->bound();
}

const std::filesystem::path& FakeIssuer::secret_file() const {
  return secret_file_;
}

void FakeIssuer::add_client(const std::string& id, std::chrono::seconds token_lifetime,
                            std::chrono::milliseconds grant_time) {
  books_->add(id, token_lifetime, grant_time);
}

void FakeIssuer::forget(const std::string& id) {
  books_->forget(id);
}

ClientRecord FakeIssuer::record(const std::string& id) const {
  return books_->record(id);
}

}  // namespace countersign::bench
