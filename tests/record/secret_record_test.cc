// Runs when all tests that start programs have ended: no secret of theirs is in anything that those
// programs have printed or logged. Before it says so, it proves on a record of its own that it
// would find one.

#include <string>

#include <gtest/gtest.h>

#include "core/clock.h"
#include "core/config_environment.h"
#include "core/entropy.h"
#include "core/temporary_folder.h"
#include "drill/child_process.h"
#include "drill/throwaway_pki.h"
#include "record/recorder.h"
#include "record/secret_rules.h"

namespace countersign::testing {
namespace {

struct Finding {
  std::string where;
  std::string what;
};

std::vector<Finding> search(const Record& record) {
  const SecretSearch secrets({record.fragments.begin(), record.fragments.end()});
  std::vector<Finding> findings;
  for (const auto& path : record.outputs) {
    const std::string text = file_content(path);
    const std::string program = text.substr(0, text.find('\n'));
    for (const std::string& what : secrets.found_in(text))
      findings.push_back({path.string() + " (" + program + ")", what});
  }
  return findings;
}

template <typename T>
T must(Result<T> result) {
  if (!result) panic(result.error().for_log());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// One recorder for the whole program: a later one would take the place of the first.
class SecretRecord : public ::testing::Test {
 protected:
  static std::filesystem::path own_record() {
    static const TemporaryFolder folder;
    static const bool installed = [] {
      drill::observe(*new Recorder(folder.path()));
      return true;
    }();
    static_cast<void>(installed);
    return folder.path();
  }
  // How often a record of this program's own has a secret in its output now.
  size_t findings() { return search(Record(own_record())).size(); }
  static drill::Finished run(std::vector<std::string> argv) {
    return must(drill::run_command({.argv = std::move(argv), .input = {}}));
  }
  static std::string generate(std::string_view what) {
    return run({COUNTERSIGN_BINARIES "/countersign", "generate", std::string(what)}).output;
  }
  // Expects one more finding at least by what is done between.
  template <typename Act>
  void expect_found(std::string_view how, Act act) {
    const size_t before = findings();
    act();
    EXPECT_GT(findings(), before) << how;
  }

  TemporaryFolder folder_;
};

TEST_F(SecretRecord, finds_a_planted_secret_in_output_errors_and_logs) {
  own_record();
  const std::string pepper = generate("pepper");
  ASSERT_GT(pepper.size(), 20u);
  EXPECT_EQ(findings(), 0u) << "what `generate` shows on purpose";
  const std::string file = folder_ / "secret";
  must(drill::write_private_file(file, pepper));
  EXPECT_EQ(findings(), 0u);
  expect_found("standard output", [&] { run({"/bin/cat", file}); });
  expect_found("standard error", [&] { run({"/bin/sh", "-c", "cat '" + file + "' >&2"}); });
  expect_found("a part of it", [&] { run({"/bin/sh", "-c", "tail -c 25 '" + file + "'"}); });
  expect_found("a server's output", [&] {
    const auto child = must(drill::ChildProcess::start({.argv = {"/bin/cat", file}, .input = {}}));
    must(child->wait_for_line([](std::string_view) { return true; }));
  });
  expect_found("a log file", [&] {
    must(drill::write_private_file(folder_ / "access.jsonl", "{\"x\":\"" + pepper + "\"}\n"));
    run({"/bin/true"});
  });
}

TEST_F(SecretRecord, finds_each_kind_of_secret_that_tests_make) {
  own_record();
  SystemClock clock;
  SystemEntropy entropy;
  const auto pki = must(drill::ThrowawayPki::create(folder_.path(), clock, entropy));
  const auto client = must(pki.make_client("shop.consumer.example"));
  // The third line of a key has no heading that would give it away.
  expect_found("a line of a private key",
               [&] { run({"/bin/sh", "-c", "sed -n 3p '" + client.private_key.string() + "'"}); });
  for (const char* what : {"store-key", "pepper", "signing-key"}) {
    const std::string secret = generate(what);
    must(drill::write_private_file(folder_ / what, secret));
    expect_found(what, [&] { run({"/bin/sh", "-c", "cat '" + (folder_ / what) + "'"}); });
  }
  must(drill::write_private_file(folder_ / "password", "a password of the tests only\n"));
  expect_found("a password", [&] { run({"/bin/cat", folder_ / "password"}); });
  if (drill::Observer* hears = drill::observer()) hears->obtained("opaque-token-0123456789");
  expect_found("a token", [] { run({"/bin/echo", "got opaque-token-0123456789"}); });
  expect_found("a token that nobody registered", [] {
    run({"/bin/echo", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzaG9wIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"});
  });
  expect_found("a credential",
               [] { run({"/bin/echo", "Authorization: Basic c2hvcDphLXNlY3JldC1vZi1zaG9w"}); });
}

TEST_F(SecretRecord, what_is_shown_once_on_purpose_may_not_be_shown_twice) {
  const std::vector<std::string> issue = {"/x/countersign", "key", "issue", "--client", "shop"};
  const std::string secret = "cs_test_abcdefgh_0123456789abcdefghijklmnopqrstuvwxyz";
  std::string output = "{\"key_id\":\"abcdefgh\",\"api_key\":\"" + secret + "\"}";
  const std::string shown = output + secret;
  const auto fragments = take_what_is_shown_once(issue, output);
  const SecretSearch secrets({fragments.begin(), fragments.end()});
  EXPECT_EQ(secrets.found_in(output), std::vector<std::string>());
  EXPECT_NE(output.find("abcdefgh"), std::string::npos) << "the rest is kept";
  std::string twice = shown;
  take_what_is_shown_once(issue, twice);
  EXPECT_FALSE(secrets.found_in(twice).empty());
  std::string table = "client_id: shop\nclient_secret: " + secret + "\n";
  EXPECT_FALSE(take_what_is_shown_once({"/x/countersign", "client", "add"}, table).empty());
  EXPECT_EQ(table, "client_id: shop\nclient_secret: \n");
  // Other commands show nothing on purpose.
  std::string listed = shown;
  EXPECT_TRUE(take_what_is_shown_once({"/x/countersign", "key", "list"}, listed).empty());
  EXPECT_EQ(listed, shown);
}

// COUNTERSIGN_WHOLE_SUITE: all tests have run, so that there must be something to search.
TEST_F(SecretRecord, of_the_whole_suite_has_no_secret_in_any_output) {
  const Record record(COUNTERSIGN_RECORD);
  const bool whole = process_environment().contains("COUNTERSIGN_WHOLE_SUITE");
  if (!whole && (record.fragments.empty() || record.outputs.empty()))
    GTEST_SKIP() << "the tests that ran have made no secret or started no program";
  // Each end-to-end test makes at least a certificate with its key, and starts two programs.
  ASSERT_GE(record.fragments.size(), whole ? 500u : 1u);
  ASSERT_GE(record.outputs.size(), whole ? 200u : 1u);
  for (const Finding& finding : search(record))
    ADD_FAILURE() << finding.where << ": " << finding.what;
}

}  // namespace
}  // namespace countersign::testing
