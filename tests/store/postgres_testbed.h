// A fresh database on the shared server, and connections to it.

#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "store/postgres.h"
#include "support/postgres_server.h"

namespace countersign::store {

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::PostgresServer::installed())
      GTEST_SKIP() << testing::PostgresServer::how_to_install;
    database_ = server().create_database();
  }
  static testing::PostgresServer& server() { return testing::PostgresServer::shared(); }
  // A machine that runs many tests at once is slow: only what tests time-outs sets short ones.
  PostgresOptions options() const {
    return {.conninfo = server().conninfo(database_),
            .connect_timeout = std::chrono::seconds(60),
            .statement_timeout = std::chrono::seconds(60),
            .reconnect_pause = {}};
  }
  std::unique_ptr<Postgres> open() { return open(options()); }
  std::unique_ptr<Postgres> open(PostgresOptions options) {
    auto opened = Postgres::open(std::move(options), clock_);
    if (!opened) panic(opened.error().for_log());
    return *std::move(opened);
  }
  SystemClock clock_;
  std::string database_;
};

}  // namespace countersign::store
