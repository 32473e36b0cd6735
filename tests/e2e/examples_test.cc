// The examples for other languages, run as they stand against a real egress.

#include "core/text_file.h"
#include "drill/child_process.h"
#include "e2e/whole_path.h"

namespace countersign::e2e {
namespace {

namespace fs = std::filesystem;

const fs::path examples = fs::path(COUNTERSIGN_SOURCE_DIR) / "examples";

class Examples : public WholePath {
 protected:
  // Pays twice with one key: the second answer is the first.
  void expect_pays(std::vector<std::string> argv) {
    start_provider();
    start_consumer();
    const std::string base = "http://" + consumer->egress().to_string() + "/api_key";
    argv.push_back(base);
    argv.push_back("invoice-1");
    const std::string payment = must(read_text_file(examples / "payments/invoice-de-nl.json"));
    const drill::Finished first = must(drill::run_command({.argv = argv, .input = payment}));
    EXPECT_EQ(first.exit_code, 0) << first.errors;
    EXPECT_TRUE(first.output.starts_with("answered 201 {")) << first.output << first.errors;
    const drill::Finished second = must(drill::run_command({.argv = argv, .input = payment}));
    EXPECT_EQ(second.output, first.output);
    provider->gateway_process().kill();
    const drill::Finished third = must(drill::run_command({.argv = argv, .input = payment}));
    EXPECT_EQ(third.exit_code, 1) << third.errors;
    EXPECT_TRUE(third.output.starts_with("not_sent ") || third.output.starts_with("unknown "))
        << third.output << third.errors;
  }
  // Empty if it is not installed.
  static std::string find_program(const std::string& name) {
    const fs::path path = fs::path("/usr/bin") / name;
    return fs::exists(path) ? path.string() : std::string();
  }
};

TEST_F(Examples, curl_pays_through_the_egress) {
  if (find_program("curl").empty()) GTEST_SKIP() << "curl is not installed";
  expect_pays({(examples / "curl/pay.sh").string()});
}

TEST_F(Examples, node_pays_through_the_egress) {
  const std::string node = find_program("node");
  if (node.empty()) GTEST_SKIP() << "Node is not installed";
  expect_pays({node, (examples / "node/pay.mjs").string()});
}

TEST_F(Examples, python_pays_through_the_egress) {
  const std::string python = find_program("python3");
  if (python.empty()) GTEST_SKIP() << "Python is not installed";
  const drill::Finished imported =
      must(drill::run_command({.argv = {python, "-c", "import requests"}, .input = {}}));
  if (imported.exit_code != 0) GTEST_SKIP() << "python3-requests is not installed";
  expect_pays({python, (examples / "python/pay.py").string()});
}

}  // namespace
}  // namespace countersign::e2e
