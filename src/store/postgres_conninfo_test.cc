#include "store/postgres_conninfo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Conninfo parse(const std::string& text) {
  auto parsed = Conninfo::parse(text);
  if (!parsed) panic(parsed.error().for_log());
  return *std::move(parsed);
}

TEST(Conninfo, BothFormsGiveServersAndSettings) {
  const Conninfo pairs =
      parse("host=a.example,b.example port=5433 dbname=pay user=shop sslmode=verify-full");
  const Conninfo uri =
      parse("postgresql://shop@a.example:5433,b.example:5433/pay?sslmode=verify-full");
  for (const Conninfo& conninfo : {pairs, uri}) {
    ASSERT_EQ(conninfo.targets().size(), 2u);
    EXPECT_EQ(conninfo.targets()[1].host, "b.example");
    EXPECT_EQ(conninfo.targets()[1].port, "5433");
    EXPECT_EQ(conninfo.setting("dbname"), "pay");
    EXPECT_EQ(conninfo.setting("user"), "shop");
    EXPECT_EQ(conninfo.name(), "pay at a.example:5433, b.example:5433");
  }
}

TEST(Conninfo, WhatIsNotItsBusinessIsRefusedWithoutRepeatingIt) {
  for (const char* text :
       {"", "host", "host=a pasword=hunter2", "postgresql://u:hunter2@a/%zz", "dbname=pay",
        "host=a password=hunter2", "postgresql://u:hunter2@a/pay", "host=a sslpassword=hunter2",
        "host=a passfile=/x", "host=a service=s", "host=a options=-cfsync=off",
        "host=a gssencmode=prefer", "host=a replication=true", "host=a client_encoding=LATIN1",
        "host=a,b hostaddr=192.0.2.1", "host=a,b,c port=1,2", "host=a,"}) {
    const auto refused = Conninfo::parse(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, "store.bad_conninfo");
    EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
    EXPECT_THAT(refused.error().for_log(), Not(HasSubstr("hunter2")));
  }
}

TEST(Conninfo, ATcpHostThatIsNotVerifiedIsUnsafe) {
  for (const char* text :
       {"host=db.example", "host=db.example sslmode=require", "host=db.example sslmode=verify-ca",
        "host=192.0.2.1 sslmode=disable", "host=db.example sslmode=prefer",
        "postgresql://db.example/pay?sslmode=require"}) {
    EXPECT_EQ(parse(text).unsafe_hosts().size(), 1u) << text;
  }
  // Where it goes is decided by hostaddr.
  EXPECT_THAT(parse("host=localhost hostaddr=192.0.2.1").unsafe_hosts(), ElementsAre("localhost"));
  EXPECT_THAT(parse("host=localhost,db.example").unsafe_hosts(), ElementsAre("db.example"));
}

TEST(Conninfo, VerifiedOrLocalOnesAreSafe) {
  for (const char* text :
       {"host=db.example sslmode=verify-full", "host=/run/postgresql", "host=@abstract",
        "host=localhost", "host=127.0.0.1", "host=127.9.9.9", "host=::1",
        "host=db.example hostaddr=127.0.0.1", "postgresql://%2Frun%2Fpostgresql/pay"}) {
    EXPECT_THAT(parse(text).unsafe_hosts(), IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace countersign::store
