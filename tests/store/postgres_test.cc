// Postgres on a real server: values, errors, transactions, and what it does when the server goes
// away.

#include "store/postgres.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/postgres_server.h"

namespace countersign::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::PostgresServer;

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::installed()) GTEST_SKIP() << PostgresServer::how_to_install;
    database_ = server().create_database();
  }
  static PostgresServer& server() { return PostgresServer::shared(); }
  PostgresOptions options() const {
    return {.conninfo = server().conninfo(database_), .reconnect_pause = {}};
  }
  std::unique_ptr<Postgres> open() { return open(options()); }
  std::unique_ptr<Postgres> open(PostgresOptions options) {
    auto opened = Postgres::open(std::move(options), clock_);
    if (!opened) panic(opened.error().for_log());
    return *std::move(opened);
  }
  // Ends the session from another one, as an operator would, and waits until it is gone.
  void terminate(int pid) {
    const auto other = open();
    ASSERT_TRUE(other->query_integer("SELECT pg_terminate_backend($1::int, 5000)::int", pid));
  }
  SystemClock clock_;
  std::string database_;
};

TEST_F(PostgresTest, ValuesComeBackAsTheyWereGiven) {
  const auto db = open();
  const Bytes bytes{0, 1, 0xff, '\\', '\''};
  const std::string text = "it's \"é\" \\ $1";
  auto rows = db->query("SELECT $1::bigint, $2::boolean, $3::text, $4::bytea, $5::text, $6::bytea",
                        int64_t{INT64_MIN}, true, text, bytes, "", Bytes{});
  ASSERT_TRUE(rows) << rows.error().for_log();
  ASSERT_TRUE(rows->next());
  EXPECT_EQ(rows->integer(0), INT64_MIN);
  EXPECT_TRUE(rows->boolean(1));
  EXPECT_EQ(rows->text(2), text);
  EXPECT_EQ(rows->blob(3), bytes);
  EXPECT_EQ(rows->optional_text(4), "");
  EXPECT_EQ(rows->optional_blob(5), Bytes{});
  EXPECT_FALSE(rows->next());
  EXPECT_TRUE(rows->check());
}

TEST_F(PostgresTest, NothingIsNullOfItsType) {
  const auto db = open();
  auto rows =
      db->query("SELECT $1::bigint, $2::text, $3::bytea, 7::int, (-2)::smallint",
                std::optional<int64_t>(), std::optional<std::string>(), std::optional<Bytes>());
  ASSERT_TRUE(rows) << rows.error().for_log();
  ASSERT_TRUE(rows->next());
  EXPECT_EQ(rows->optional_integer(0), std::nullopt);
  EXPECT_EQ(rows->optional_text(1), std::nullopt);
  EXPECT_EQ(rows->optional_blob(2), std::nullopt);
  EXPECT_EQ(rows->integer(3), 7);
  EXPECT_EQ(rows->integer(4), -2);
  EXPECT_TRUE(rows->check());
}

TEST_F(PostgresTest, ColumnsOfAnotherTypeAreDamage) {
  const auto db = open();
  const auto read_as_number = [&](std::string_view sql) {
    auto rows = db->query(sql);
    if (!rows || !rows->next()) panic("no row");
    rows->integer(0);
    return rows->check();
  };
  EXPECT_TRUE(read_as_number("SELECT 1"));
  for (const char* sql : {"SELECT 'x'", "SELECT NULL::bigint", "SELECT true", "SELECT 1.5"}) {
    const auto checked = read_as_number(sql);
    ASSERT_FALSE(checked) << sql;
    EXPECT_EQ(checked.error().code, "store.corrupt");
  }
}

TEST_F(PostgresTest, StatesOfTheServerBecomeOurCodes) {
  const auto db = open();
  ASSERT_TRUE(
      db->execute("CREATE SCHEMA countersign; CREATE TABLE t (k TEXT PRIMARY KEY, n INT "
                  "CHECK (n > 0)); INSERT INTO t VALUES ('swordfish', 1)"));
  const struct {
    const char* sql;
    std::string_view code;
    ErrorKind kind;
  } cases[] = {
      {"INSERT INTO t VALUES ('swordfish', 2)", "store.duplicate", ErrorKind::conflict},
      {"INSERT INTO t VALUES ('other', 0)", "store.constraint", ErrorKind::conflict},
      {"INSERT INTO t VALUES (NULL, 1)", "store.constraint", ErrorKind::conflict},
      {"SELEKT", "store.sql", ErrorKind::internal},
      {"SELECT * FROM absent", "store.sql", ErrorKind::internal},
      {"SELECT 'swordfish'::text::bigint", "store.sql", ErrorKind::internal},
      {"SELECT 1/0", "store.sql", ErrorKind::internal},
      {"SELECT rolpassword FROM pg_authid", "store.read_only", ErrorKind::misconfigured},
      {"SELECT pg_sleep(60)", "store.busy", ErrorKind::unavailable},
  };
  for (const auto& c : cases) {
    const auto refused = db->query(c.sql);
    ASSERT_FALSE(refused) << c.sql;
    EXPECT_EQ(refused.error().code, c.code) << refused.error().for_log();
    EXPECT_EQ(refused.error().kind, c.kind) << c.sql;
    EXPECT_THAT(refused.error().for_log(), Not(HasSubstr("swordfish")));
  }
  EXPECT_EQ(db->query_integer("SELECT count(*) FROM t")->value(), 1);
}

TEST_F(PostgresTest, ParametersNeverShowInErrors) {
  const auto db = open();
  const auto refused = db->query("SELECT $1::text::bigint", "hunter2");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().for_log(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(refused.error().for_log(), HasSubstr("22P02"));
}

TEST_F(PostgresTest, ASecondStatementCannotBeSmuggledIn) {
  const auto db = open();
  EXPECT_FALSE(db->query("SELECT 1; SELECT 2"));
}

TEST_F(PostgresTest, StatementsBeyondTheKeptOnesWorkToo) {
  PostgresOptions few = options();
  few.statements_kept_max = 2;
  const auto db = open(std::move(few));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5; ++i) {
      const auto value = db->query_integer("SELECT $1::bigint + " + std::to_string(i), 10);
      ASSERT_TRUE(value) << value.error().for_log();
      EXPECT_EQ(*value, 10 + i);
    }
  }
  EXPECT_EQ(db->query_integer("SELECT count(*) FROM pg_prepared_statements")->value(), 2);
}

TEST_F(PostgresTest, ATransactionIsKeptByCommitOnly) {
  const auto db = open();
  ASSERT_TRUE(db->execute("CREATE SCHEMA countersign; CREATE TABLE t (n INT)"));
  {
    auto transaction = PostgresTransaction::begin(*db);
    ASSERT_TRUE(transaction);
    EXPECT_TRUE(db->in_transaction());
    EXPECT_EQ(db->run("INSERT INTO t VALUES ($1::int)", 1).value(), 1);
  }
  EXPECT_FALSE(db->in_transaction());
  EXPECT_EQ(db->query_integer("SELECT count(*) FROM t")->value(), 0);
  auto transaction = PostgresTransaction::begin(*db);
  ASSERT_TRUE(transaction);
  ASSERT_TRUE(db->run("INSERT INTO t VALUES ($1::int)", 1));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(db->query_integer("SELECT count(*) FROM t")->value(), 1);
}

TEST_F(PostgresTest, CommitOfAFailedTransactionIsAnError) {
  const auto db = open();
  auto transaction = PostgresTransaction::begin(*db);
  ASSERT_TRUE(transaction);
  EXPECT_FALSE(db->query("SELECT 1/0"));
  const auto committed = transaction->commit();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, "store.sql");
  EXPECT_FALSE(db->in_transaction());
}

TEST_F(PostgresTest, ALockThatIsHeldIsBusyAndTheSessionStays) {
  const auto holder = open();
  PostgresOptions hasty = options();
  hasty.statement_timeout = std::chrono::milliseconds(400);
  const auto db = open(std::move(hasty));
  auto transaction = PostgresTransaction::begin(*holder);
  ASSERT_TRUE(holder->run("SELECT pg_advisory_xact_lock(7)"));
  const int session = db->backend_pid();
  const auto refused = db->query("SELECT pg_advisory_lock(7)");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.busy");
  EXPECT_EQ(db->backend_pid(), session);
  ASSERT_TRUE(transaction->commit());
  EXPECT_TRUE(db->query("SELECT pg_advisory_lock(7)"));
}

TEST_F(PostgresTest, ASessionEndedBetweenTwoUsesIsReplaced) {
  const auto db = open();
  const int before = db->backend_pid();
  terminate(before);
  EXPECT_EQ(db->query_integer("SELECT 5")->value(), 5);
  EXPECT_NE(db->backend_pid(), before);
}

TEST_F(PostgresTest, ASessionEndedWithinAStatementFailsItAndIsReplaced) {
  PostgresOptions patient = options();
  patient.statement_timeout = std::chrono::seconds(60);
  const auto db = open(std::move(patient));
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

TEST_F(PostgresTest, NothingRunsOutsideOfATransactionWhoseSessionWasLost) {
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

TEST_F(PostgresTest, AServerThatStopsAndComesBackIsFoundAgain) {
  PostgresServer own;
  const std::string conninfo = own.conninfo(own.create_database());
  const auto db = open({.conninfo = conninfo, .reconnect_pause = {}});
  own.stop();
  for (int i = 0; i < 2; ++i) {
    const auto refused = db->query_integer("SELECT 1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "store.unavailable");
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  }
  const auto later = Postgres::open_later({.conninfo = conninfo}, clock_);
  ASSERT_TRUE(later);
  own.start();
  EXPECT_EQ(db->query_integer("SELECT 1")->value(), 1);
  EXPECT_EQ((*later)->query_integer("SELECT 1")->value(), 1);
}

TEST_F(PostgresTest, AfterAFailedAttemptOthersFailAtOnceForAWhile) {
  PostgresServer own;
  const std::string conninfo = own.conninfo(own.create_database());
  own.stop();
  const auto db = Postgres::open_later(
      {.conninfo = conninfo, .reconnect_pause = std::chrono::hours(1)}, clock_);
  EXPECT_FALSE((*db)->query_integer("SELECT 1"));
  own.start();
  EXPECT_FALSE((*db)->query_integer("SELECT 1"));
}

TEST_F(PostgresTest, ThePasswordComesAsASecretAndShowsNowhere) {
  PostgresOptions right{.conninfo = server().tcp_conninfo(database_),
                        .password = Secret::copy_of(PostgresServer::password)};
  EXPECT_TRUE(Postgres::open(right, clock_));
  PostgresOptions wrong = right;
  wrong.password = Secret::copy_of("not this one");
  const auto refused = Postgres::open(wrong, clock_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.unavailable");
  EXPECT_THAT(refused.error().for_log(), Not(HasSubstr("not this one")));
  EXPECT_THAT(refused.error().for_log(), HasSubstr("password authentication failed"));
}

TEST_F(PostgresTest, TheServerIsToldTheSameLimits) {
  const auto db = open();
  const auto setting = [&](std::string_view name) {
    auto rows = db->query("SELECT setting FROM pg_settings WHERE name = $1", name);
    return rows && rows->next() ? rows->text(0) : "";
  };
  EXPECT_EQ(setting("statement_timeout"), "1750");
  EXPECT_EQ(setting("lock_timeout"), "1000");
  EXPECT_EQ(setting("idle_in_transaction_session_timeout"), "10000");
  EXPECT_EQ(setting("search_path"), "countersign,pg_temp");
  EXPECT_EQ(setting("application_name"), "countersign");
}

}  // namespace
}  // namespace countersign::store
