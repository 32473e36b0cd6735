// Ten thousand calls through a real egress, whose token is revoked at the provider while they are
// under way: one further token, no call refused more than once, all of them answered.

#include <atomic>
#include <charconv>
#include <map>
#include <thread>

#include "e2e/whole_path.h"
#include "net/client_pool.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace countersign::e2e {
namespace {

constexpr int calls = 10'000;
constexpr int connections = 50;  // their handshakes fit into the egress's time on a busy machine

// All calls, from so many connections at once; the answers are counted by what matters here.
class Storm final {
 public:
  explicit Storm(const Endpoint& egress)
      : pool_(*loop_, resolver_,
              {.host = egress.address.to_string(),
               .port = egress.port,
               .connections_max = connections,
               .idle_max = connections}),
        thread_([this] { run(); }) {}
  ~Storm() { wait(); }
  Storm(const Storm&) = delete;

  void wait_for(int answers) const {
    for (int seen = answered_; seen < answers; seen = answered_) answered_.wait(seen);
  }
  void wait() {
    if (thread_.joinable()) thread_.join();
  }
  // After wait(): calls by status, and by Countersign-Attempts.
  const std::map<int, int>& by_status() const { return by_status_; }
  const std::map<std::string, int>& by_attempts() const { return by_attempts_; }
  // The first call that was not answered with 200, if there is one.
  const std::string& first_failure() const { return first_failure_; }

 private:
  void run() {
    for (int i = 0; i < connections; ++i) loop_->spawn(connection());
    while (answered_ < calls) loop_->turn(/*wait=*/true);
  }
  Task<void> connection() {
    while (begun_ < calls) {
      ++begun_;
      const auto answer =
          co_await http::fetch(pool_, {.target = "/bearer/v1/payments"}, BootTime::max());
      ++by_status_[answer ? answer->status : 0];
      if (first_failure_.empty() && (!answer || answer->status != 200))
        first_failure_ = answer ? answer->body : answer.error().for_log();
      ++by_attempts_[answer ? std::string(answer->value("Countersign-Attempts")) : "none"];
      ++answered_;
      answered_.notify_all();
    }
  }

  const SystemClock clock_;
  std::unique_ptr<net::Loop> loop_ = must(net::Loop::create());
  net::Resolver resolver_{clock_, {}};
  net::ClientPool pool_;
  int begun_ = 0;
  std::atomic<int> answered_ = 0;
  std::map<int, int> by_status_;
  std::map<std::string, int> by_attempts_;
  std::string first_failure_;
  std::thread thread_;
};

class Revocation : public WholePath {
 protected:
  void start() {
    start_provider();
    add_client({"--id", "shop-bearer", "--auth", "client_secret_basic"});
    client_secret = drill::json_text_member(last_answer, "client_secret");
    must(drill::write_private_file(folder / "client-secret", client_secret));
    const std::string settings = "issuer = \"" + std::string(drill::provider_url) +
                                 "\"\nclient_id = \"shop-bearer\"\n"
                                 "client_secret_file = \"client-secret\"";
    consumer = must(drill::Consumer::start({.binaries = COUNTERSIGN_BINARIES,
                                            .folder = folder.path(),
                                            .trace_heads = false,
                                            .access_log = folder / "access.jsonl",
                                            .apis = {{"bearer", "oauth2_bearer", settings}}},
                                           pki, client, provider->gateway()));
  }
  std::vector<Json> audited(std::string_view event) const {
    std::ifstream file(provider->audit_log());
    std::vector<Json> records;
    for (std::string line; std::getline(file, line);) {
      Json record = Json::parse(line);
      if (string_member(record, "event") == event) records.push_back(std::move(record));
    }
    return records;
  }
};

TEST_F(Revocation, of_a_token_in_use_by_ten_thousand_calls_causes_one_grant_and_no_storm) {
  start();
  Storm storm(consumer->egress());
  storm.wait_for(calls / 4);
  const std::vector<Json> granted = audited("token");
  ASSERT_EQ(granted.size(), 1u);
  const std::string jti = string_member(granted[0], "token").value_or("");
  ASSERT_NE(jti, "");
  must(provider->operate({"token", "revoke", "--jti", jti}));
  storm.wait();
  EXPECT_EQ(consumer->process().terminate(), 0);
  EXPECT_EQ(provider->gateway_process().terminate(), 0);  // the whole audit log is written

  EXPECT_EQ(storm.by_status(), (std::map<int, int>{{200, calls}})) << storm.first_failure();
  EXPECT_EQ(audited("token").size(), 2u) << "the first token and its successor";

  // What was refused, and what was under way behind the gateway and was cut off there: a read,
  // which the egress may repeat.
  const std::vector<Json> requests = audited("request");
  int refused = 0;
  int cut_off = 0;
  for (const Json& one : requests) {
    const bool allowed = string_member(one, "outcome") == "allow";
    if (!allowed) ++refused;
    if (allowed && has_member(one, "reason")) ++cut_off;
  }
  EXPECT_GT(refused, 0) << "the revocation has met no call";
  EXPECT_LE(refused, connections) << "a call was refused twice";
  EXPECT_EQ(requests.size(), static_cast<size_t>(calls + refused + cut_off));
  // The provider has seen as many as the callers were told of, and only a call that was cut off and
  // then refused needed three.
  int told = 0;
  for (const auto& [text, count] : storm.by_attempts()) {
    int attempts = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), attempts);
    ASSERT_EQ(read.ptr, text.data() + text.size()) << text;
    told += attempts * count;
  }
  EXPECT_EQ(told, calls + refused + cut_off);
  const auto thrice = storm.by_attempts().find("3");
  if (thrice != storm.by_attempts().end()) {
    EXPECT_LE(thrice->second, cut_off);
  }
  EXPECT_LE(storm.by_attempts().rbegin()->first, "3");
}

}  // namespace
}  // namespace countersign::e2e
