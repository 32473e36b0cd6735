// Migrations of PostgreSQL on a real server.

#include "store/postgres_migrations.h"

#include <array>
#include <barrier>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postgres_testbed.h"

namespace countersign::store {
namespace {

using ::testing::HasSubstr;

constexpr Migration first{
    1, "first", "CREATE TABLE countersign.a (x INT); INSERT INTO countersign.a VALUES (1);"};
constexpr Migration second{2, "second", "UPDATE countersign.a SET x = x + 1;"};
constexpr std::array one{first};
constexpr std::array two{first, second};

class PostgresMigrations : public PostgresTest {};

TEST_F(PostgresMigrations, AreAppliedOnceAndInOrder) {
  const auto db = open();
  ASSERT_TRUE(migrate(*db, "part", one));
  EXPECT_EQ(db->query_integer("SELECT x FROM a")->value(), 1);
  ASSERT_TRUE(migrate(*db, "part", two));
  ASSERT_TRUE(migrate(*db, "part", two));
  EXPECT_EQ(db->query_integer("SELECT x FROM a")->value(), 2);
  EXPECT_EQ(db->query_integer("SELECT count(*) FROM schema_migrations WHERE length(sha256) = 32")
                ->value(),
            2);
}

TEST_F(PostgresMigrations, PartsCountEachForThemselves) {
  const auto db = open();
  ASSERT_TRUE(migrate(*db, "part", two));
  const std::array other{Migration{1, "other", "CREATE TABLE countersign.b (x INT)"}};
  ASSERT_TRUE(migrate(*db, "other", other));
  EXPECT_TRUE(migrate(*db, "part", two));
}

TEST_F(PostgresMigrations, OfANewerProgramOrAnotherAreRefusedByName) {
  const auto db = open();
  ASSERT_TRUE(migrate(*db, "part", two));
  const auto newer = migrate(*db, "part", one);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, "store.schema_too_new");
  EXPECT_EQ(newer.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(newer.error().public_text, HasSubstr("migration 2 (second)"));
  EXPECT_THAT(newer.error().public_text, HasSubstr(database_));
  const std::array altered{first, Migration{2, "second", "SELECT 1"}};
  EXPECT_EQ(migrate(*db, "part", altered).error().code, "store.schema_altered");
  const std::array renamed{first, Migration{2, "other", second.sql}};
  EXPECT_EQ(migrate(*db, "part", renamed).error().code, "store.schema_altered");
}

TEST_F(PostgresMigrations, ThatFailLeaveNothingBehind) {
  const auto db = open();
  const std::array bad{first, Migration{2, "bad",
                                        "CREATE TABLE countersign.b (x INT); INSERT INTO "
                                        "countersign.absent VALUES (1);"}};
  EXPECT_FALSE(migrate(*db, "part", bad));
  EXPECT_FALSE(db->in_transaction());
  EXPECT_FALSE(db->query("SELECT * FROM b"));
  EXPECT_TRUE(migrate(*db, "part", two));
}

TEST_F(PostgresMigrations, MustNotEndTheirTransaction) {
  const auto db = open();
  const std::array bad{Migration{1, "bad", "COMMIT"}};
  const auto refused = migrate(*db, "part", bad);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.sql");
}

TEST_F(PostgresMigrations, AreAppliedByOneOfManyThatStartAtOnce) {
  std::barrier start(8);
  std::atomic<int> succeeded = 0;
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < 8; ++i) {
      running.emplace_back([&] {
        const auto db = open();
        start.arrive_and_wait();
        if (migrate(*db, "part", two)) ++succeeded;
      });
    }
  }
  EXPECT_EQ(succeeded, 8);
  const auto db = open();
  EXPECT_EQ(db->query_integer("SELECT x FROM a")->value(), 2);
}

// Where an administrator gives out no more than is needed.
TEST_F(PostgresMigrations, NeedNoRightToMakeSchemasIfTheirsIsThere) {
  server().run_sql(database_, "ALTER DATABASE " + database_ +
                                  " OWNER TO postgres; CREATE SCHEMA "
                                  "countersign AUTHORIZATION app");
  const auto db = open();
  EXPECT_TRUE(migrate(*db, "part", two));
}

TEST_F(PostgresMigrations, WithoutTheRightSayWhatIsMissing) {
  server().run_sql(database_, "ALTER DATABASE " + database_ + " OWNER TO postgres");
  const auto db = open();
  const auto refused = migrate(*db, "part", two);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "store.read_only");
  EXPECT_THAT(refused.error().private_detail, HasSubstr("permission denied"));
}

}  // namespace
}  // namespace countersign::store
