// `countersign generate store-key` and `countersign store rekey` as an operator meets them. What
// rekeying does to rows is tested in src/store/rekey_test.cc.

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/json.h"
#include "drill/child_process.h"
#include "drill/throwaway_pki.h"
#include "store/postgres_token_store.h"
#include "store/rekey.h"
#include "store/sqlite_journal.h"
#include "store/sqlite_token_store.h"
#include "support/postgres_server.h"
#include "support/temporary_folder.h"

namespace countersign::e2e {
namespace {

template <typename T>
T value_of(Result<T> result) {
  if (!result) panic(result.error().for_log());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

class StoreCommands : public ::testing::Test {
 protected:
  drill::Finished run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), COUNTERSIGN_BINARIES "/countersign");
    drill::Finished finished = value_of(drill::run_command({.argv = std::move(arguments)}));
    said_ += finished.output + finished.errors;
    return finished;
  }
  std::string generate(int version) {
    const drill::Finished made =
        run({"generate", "store-key", "--key-version", std::to_string(version)});
    EXPECT_EQ(made.exit_code, 0) << made.errors;
    said_.clear();  // the one place where a key is shown
    return made.output;
  }
  void write(const std::string& name, const std::string& text) {
    value_of(drill::write_private_file(folder_ / name, text));
  }
  // Beside [token_store] there is an API whose files do not exist: they are not this command's.
  void configure(const std::string& store) {
    write("egress.toml",
          "[[api]]\nname = \"a\"\nprivate_key_file = \"none.key\"\n[token_store]\n" + store);
  }
  drill::Finished rekey(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"store", "rekey", "--config", folder_ / "egress.toml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(std::move(arguments));
  }
  // A token "secret token" in slot "s", sealed under the newest key of `keys`.
  void publish(store::TokenStore& store, const std::string& keys) {
    const auto ring = value_of(store::SealingKeys::parse(Secret::copy_of(keys)));
    const auto claim = value_of(store.claim("s", "x", 0, 0, std::chrono::seconds(9)));
    const auto sealed =
        value_of(ring.seal(as_bytes("secret token"), store::token_row_of("s", 1), entropy_));
    ASSERT_TRUE(claim.granted);
    ASSERT_TRUE(value_of(store.publish("s", "x", 1,
                                       {.sealed = sealed.bytes,
                                        .key_version = sealed.key_version,
                                        .expires_in = std::chrono::hours(1)})));
  }
  std::string opened(store::TokenStore& store, const std::string& keys) {
    const auto ring = value_of(store::SealingKeys::parse(Secret::copy_of(keys)));
    const auto row = value_of(store.read("s"));
    const auto text =
        ring.open(row.token->sealed, row.token->key_version, store::token_row_of("s", 1));
    return text ? std::string(text->unsafe_reveal_text()) : text.error().code;
  }
  // Nothing of the keys, the token or a password was ever shown.
  void expect_silence_about(const std::vector<std::string>& secrets) {
    for (std::string secret : secrets) {
      if (secret.ends_with('\n')) secret = secret.substr(secret.find(':') + 1, 20);
      EXPECT_EQ(said_.find(secret), std::string::npos) << said_;
    }
  }
  testing::TemporaryFolder folder_;
  SystemClock clock_;
  SystemEntropy entropy_;
  std::string said_;
};

TEST_F(StoreCommands, rekey_seals_every_token_under_the_newest_key) {
  const std::string key_1 = generate(1);
  const std::string key_2 = generate(2);
  const auto store =
      value_of(store::SqliteTokenStore::open({.path = folder_ / "tokens.db"}, clock_));
  publish(*store, key_1);
  write("store-keys", key_1 + key_2);
  configure("path = \"tokens.db\"\nkey_file = \"store-keys\"\n");
  const drill::Finished first = rekey({"--output", "json"});
  EXPECT_EQ(first.exit_code, 0) << first.errors;
  const Json report = Json::parse(first.output);
  EXPECT_EQ(report.at("rekeyed"), 1);
  EXPECT_EQ(report.at("key_version"), 2);
  EXPECT_EQ(report.at("remaining"), 0);
  EXPECT_EQ(opened(*store, key_2), "secret token");
  const drill::Finished second = rekey({"--output", "json"});
  EXPECT_EQ(second.exit_code, 0) << second.errors;
  EXPECT_EQ(Json::parse(second.output).at("rekeyed"), 0);
  expect_silence_about({key_1, key_2, "secret token"});
}

TEST_F(StoreCommands, rekey_seals_journalled_requests_too) {
  const std::string key_1 = generate(1);
  const std::string key_2 = generate(2);
  const auto journal = value_of(store::SqliteJournal::open(folder_ / "journal.db", clock_));
  const auto old_ring = value_of(store::SealingKeys::parse(Secret::copy_of(key_1)));
  const std::string name = store::journal_row_name("a", "k");
  const auto sealed =
      value_of(old_ring.seal(as_bytes("a payment"), store::journal_row_of(name), entropy_));
  const store::JournalBegin entry{.api = "a",
                                  .key = "k",
                                  .sealed = sealed.bytes,
                                  .key_version = sealed.key_version,
                                  .hold_for = std::chrono::hours(1)};
  value_of(journal->write({&entry, 1}, {}, 10));
  write("store-keys", key_1 + key_2);
  write("egress.toml", "[journal]\npath = \"journal.db\"\nkey_file = \"store-keys\"\n");
  const drill::Finished done = rekey({"--output", "json"});
  EXPECT_EQ(done.exit_code, 0) << done.errors;
  const Json report = Json::parse(done.output);
  EXPECT_EQ(report.at("journal_rekeyed"), 1);
  EXPECT_EQ(report.at("journal_key_version"), 2);
  EXPECT_EQ(report.at("journal_remaining"), 0);
  EXPECT_FALSE(report.contains("rekeyed")) << "there is no token store";
  const auto kept = value_of(journal->find("a", "k"));
  const auto new_ring = value_of(store::SealingKeys::parse(Secret::copy_of(key_2)));
  EXPECT_EQ(value_of(new_ring.open(kept->sealed, kept->key_version, store::journal_row_of(name)))
                .unsafe_reveal_text(),
            "a payment");
  write("store-keys", key_1);  // an entry under a key that this file has not
  const drill::Finished failed = rekey({"--output", "json"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_EQ(Json::parse(failed.output).at("journal_missing_key_versions"), Json::array({"2"}));
  expect_silence_about({key_1, key_2, "a payment"});
}

TEST_F(StoreCommands, rekey_without_the_old_key_fails_with_1_and_names_its_version) {
  const std::string key_1 = generate(1);
  const std::string key_2 = generate(2);
  const auto store =
      value_of(store::SqliteTokenStore::open({.path = folder_ / "tokens.db"}, clock_));
  publish(*store, key_1);
  write("store-keys", key_2);
  configure("path = \"tokens.db\"\nkey_file = \"store-keys\"\n");
  const drill::Finished failed = rekey({"--output", "json"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_EQ(Json::parse(failed.output).at("missing_key_versions"), Json::array({"1"}));
  EXPECT_NE(failed.errors.find("store.rekey_incomplete"), std::string::npos) << failed.errors;
  EXPECT_EQ(opened(*store, key_1), "secret token");
  expect_silence_about({key_1, key_2, "secret token"});
}

TEST_F(StoreCommands, rekey_works_on_postgres) {
  if (!testing::PostgresServer::installed())
    GTEST_SKIP() << testing::PostgresServer::how_to_install;
  testing::PostgresServer server;
  const std::string database = server.create_database();
  const std::string key_1 = generate(1);
  const std::string key_2 = generate(2);
  const auto store =
      value_of(store::PostgresTokenStore::open({.conninfo = server.conninfo(database)}, clock_));
  publish(*store, key_1);
  write("store-keys", key_1 + key_2);
  write("password", std::string(testing::PostgresServer::password) + "\n");
  const std::string keys = "key_file = \"store-keys\"\n";
  configure("postgres = \"" + server.tcp_conninfo(database) +
            "\"\npostgres_password_file = \"password\"\n" + keys);
  const drill::Finished done = rekey({"--output", "json"});
  EXPECT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_EQ(opened(*store, key_2), "secret token");
  write("password", "not the password");
  const drill::Finished refused = rekey();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.errors.find("store.unavailable"), std::string::npos) << refused.errors;
  server.stop();
  EXPECT_EQ(rekey().exit_code, 1);
  expect_silence_about({key_1, key_2, "secret token",
                        std::string(testing::PostgresServer::password), "not the password"});
}

TEST_F(StoreCommands, wrong_configurations_are_told_and_end_with_2) {
  const std::string key = generate(1);
  write("store-keys", key);
  const std::string keys = "key_file = \"store-keys\"\n";
  const struct {
    std::string store;
    std::string_view told;
  } cases[] = {
      {keys, "token_store.path: missing"},
      {"path = \"t.db\"\n", "token_store.key_file: missing"},
      {"path = \"t.db\"\nkey = \"1:AAAA\"\n", "a secret is not written into the configuration"},
      {"path = \"t.db\"\nkey_file = \"egress.toml\"\n", "token_store.key_file: A line of a key"},
      {"path = \"t.db\"\nseal_with_version = 2\n" + keys, "token_store.seal_with_version"},
      {"path = \"t.db\"\npostgres = \"host=/run\"\n" + keys, "either path or postgres"},
      {"path = \"t.db\"\nlease = \"10ms\"\n" + keys, "token_store.lease"},
      {"path = \"t.db\"\nlaese = \"10s\"\n" + keys, "did you mean \"lease\""},
      {"postgres = \"host=db.example dbname=x\"\n" + keys, "sslmode=verify-full"},
      {"postgres = \"host=/run password=hunter2\"\n" + keys, "put it into a file"},
      {"postgres = \"dbname=x\"\n" + keys, "names its host"},
  };
  for (const auto& c : cases) {
    configure(c.store);
    const drill::Finished refused = rekey();
    EXPECT_EQ(refused.exit_code, 2) << c.store << refused.errors;
    EXPECT_NE(refused.errors.find(c.told), std::string::npos) << c.store << refused.errors;
  }
  write("egress.toml", "[[api]]\nname = \"a\"\n");
  EXPECT_EQ(rekey().exit_code, 2);
  for (const char* version : {"0", "-1", "1000001"}) {
    EXPECT_EQ(run({"generate", "store-key", "--key-version", version}).exit_code, 2) << version;
  }
  expect_silence_about({key, "hunter2"});
}

TEST_F(StoreCommands, key_files_and_databases_that_others_can_read_are_refused) {
  write("store-keys", generate(1));
  configure("path = \"tokens.db\"\nkey_file = \"store-keys\"\n");
  EXPECT_EQ(rekey().exit_code, 0);
  const auto open_to_others = [&](const char* name) {
    std::filesystem::permissions(folder_ / name, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    const drill::Finished refused = rekey();
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_NE(refused.errors.find("chmod 600"), std::string::npos) << refused.errors;
    std::filesystem::permissions(folder_ / name, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::remove);
  };
  open_to_others("store-keys");
  open_to_others("tokens.db");
  EXPECT_EQ(rekey().exit_code, 0);
}

}  // namespace
}  // namespace countersign::e2e
