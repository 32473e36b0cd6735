// What Postgres and the token store on it do when a session or the server goes away, is silent, or
// comes back.

#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "postgres_testbed.h"
#include "store/postgres_token_store.h"

namespace countersign::store {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::PostgresServer;

class PostgresOutage : public PostgresTest {
 protected:
  using PostgresTest::options;
  PostgresOptions options(const std::string& conninfo) const {
    PostgresOptions other = options();
    other.conninfo = conninfo;
    return other;
  }
  // Ends the session from another one, as an operator would, and waits until it is gone.
  void terminate(int pid) {
    const auto other = open();
    ASSERT_TRUE(other->query_integer("SELECT pg_terminate_backend($1::int, 5000)::int", pid));
  }
};

// Takes connections and says nothing.
class SilentServer final {
 public:
  SilentServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (fd_ < 0 || bind(fd_, any, size) != 0 || listen(fd_, 16) != 0 ||
        getsockname(fd_, any, &size) != 0) {
      panic("no port is free");
    }
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { close(fd_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  std::string port() const { return std::to_string(port_); }

 private:
  int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port_ = 0;
};

TEST_F(PostgresOutage, ASessionEndedBetweenTwoUsesIsReplaced) {
  const auto db = open();
  const int before = db->backend_pid();
  terminate(before);
  EXPECT_EQ(db->query_integer("SELECT 5")->value(), 5);
  EXPECT_NE(db->backend_pid(), before);
}

TEST_F(PostgresOutage, ASessionEndedWithinAStatementFailsItAndIsReplaced) {
  const auto db = open();
  const int before = db->backend_pid();
  const std::jthread killer([&] {
    const auto other = open();
    while (other
               ->query_integer("SELECT pg_terminate_backend(pid)::int FROM pg_stat_activity WHERE "
                               "pid = $1::int AND wait_event = 'PgSleep'",
                               before)
               ->value_or(0) == 0) {
    }
  });
  const auto killed = db->query("SELECT pg_sleep(60)");
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().code, "store.unavailable");
  EXPECT_EQ(db->query_integer("SELECT 5")->value(), 5);
}

TEST_F(PostgresOutage, NothingRunsOutsideOfATransactionWhoseSessionWasLost) {
  const auto db = open();
  ASSERT_TRUE(db->execute("CREATE SCHEMA countersign; CREATE TABLE t (n INT)"));
  {
    auto transaction = PostgresTransaction::begin(*db);
    ASSERT_TRUE(db->run("INSERT INTO t VALUES (1)"));
    terminate(db->backend_pid());
    for (int i = 0; i < 2; ++i) {
      const auto refused = db->run("INSERT INTO t VALUES (2)");
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, "store.unavailable");
    }
    EXPECT_FALSE(transaction->commit());
  }
  EXPECT_EQ(db->query_integer("SELECT count(*) FROM t")->value(), 0);
}

TEST_F(PostgresOutage, AServerThatStopsAndComesBackIsFoundAgain) {
  PostgresServer own;
  const std::string conninfo = own.conninfo(own.create_database());
  const auto db = open(options(conninfo));
  own.stop();
  for (int i = 0; i < 2; ++i) {
    const auto refused = db->query_integer("SELECT 1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "store.unavailable");
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  }
  const auto later = Postgres::open_later(options(conninfo), clock_);
  ASSERT_TRUE(later);
  own.start();
  EXPECT_EQ(db->query_integer("SELECT 1")->value(), 1);
  EXPECT_EQ((*later)->query_integer("SELECT 1")->value(), 1);
}

TEST_F(PostgresOutage, AfterAFailedAttemptOthersFailAtOnceForAWhile) {
  PostgresServer own;
  const std::string conninfo = own.conninfo(own.create_database());
  own.stop();
  const auto db = Postgres::open_later(
      {.conninfo = conninfo, .reconnect_pause = std::chrono::hours(1)}, clock_);
  EXPECT_FALSE((*db)->query_integer("SELECT 1"));
  own.start();
  EXPECT_FALSE((*db)->query_integer("SELECT 1"));
}

TEST_F(PostgresOutage, AServerThatIsSilentCostsTheDeadlineOnly) {
  PostgresOptions hasty = options();
  hasty.statement_timeout = 2s;
  const auto db = open(std::move(hasty));
  const int session = db->backend_pid();
  ASSERT_EQ(kill(session, SIGSTOP), 0);
  const BootTime start = clock_.boot_now();
  const auto refused = db->query_integer("SELECT 1");
  EXPECT_GE(clock_.boot_now() - start, 2s);
  kill(session, SIGCONT);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.unavailable");
  EXPECT_THAT(refused.error().for_log(), HasSubstr("no answer in time"));
  EXPECT_TRUE(db->query_integer("SELECT 1"));
  EXPECT_NE(db->backend_pid(), session);
}

TEST_F(PostgresOutage, AHostThatIsSilentDoesNotHideTheOthers) {
  const SilentServer silent;
  PostgresOptions alone{.conninfo = "host=127.0.0.1 user=app dbname=x port=" + silent.port(),
                        .connect_timeout = 200ms};
  const auto refused = Postgres::open(alone, clock_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.unavailable");
  const std::string real = server().tcp_conninfo(database_);
  const size_t port = real.find("port=") + 5;
  PostgresOptions both{
      .conninfo = "host=127.0.0.1,127.0.0.1 port=" + silent.port() + "," + real.substr(port),
      .password = Secret::copy_of(PostgresServer::password),
      .connect_timeout = 10s};
  const auto opened = Postgres::open(both, clock_);
  EXPECT_TRUE(opened) << opened.error().for_log();
}

TEST_F(PostgresOutage, TheTokenStoreStartsWithoutItsServerAndRecovers) {
  PostgresServer own;
  const std::string conninfo = own.conninfo(own.create_database());
  own.stop();
  auto opened = PostgresTokenStore::open(options(conninfo), clock_);
  ASSERT_TRUE(opened);
  TokenStore& store = **opened;
  EXPECT_EQ(store.read("s").error().code, "store.unavailable");
  EXPECT_EQ(store.claim("s", "a", 0, 0, 1h).error().code, "store.unavailable");
  own.start();
  ASSERT_TRUE(store.claim("s", "a", 0, 0, 1h)->granted);
  own.stop();
  EXPECT_EQ(store.publish("s", "a", 1, {.sealed = {1}}).error().code, "store.unavailable");
  EXPECT_EQ(store.release("s", "a", 1, 0us).error().code, "store.unavailable");
  EXPECT_EQ(store.slots_to_rekey(1).error().code, "store.unavailable");
  own.start();
  EXPECT_TRUE(store.publish("s", "a", 1, {.sealed = {1}, .expires_in = 1h}).value());
  EXPECT_EQ(store.read("s")->generation, 1u);
}

TEST_F(PostgresOutage, ALockedRowIsBusyForTheTokenStore) {
  PostgresOptions hasty = options();
  hasty.statement_timeout = 2s;
  const auto store = *PostgresTokenStore::open(std::move(hasty), clock_);
  ASSERT_TRUE(store->claim("s", "a", 0, 0, 1h)->granted);
  const auto holder = open();
  auto transaction = PostgresTransaction::begin(*holder);
  ASSERT_TRUE(holder->query("SELECT 1 FROM countersign.token_rows FOR UPDATE"));
  EXPECT_EQ(store->publish("s", "a", 1, {.sealed = {1}}).error().code, "store.busy");
  EXPECT_EQ(store->read("s")->lease_owner, "a");
  ASSERT_TRUE(transaction->commit());
  EXPECT_TRUE(store->publish("s", "a", 1, {.sealed = {1}}).value());
}

}  // namespace
}  // namespace countersign::store
