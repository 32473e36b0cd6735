// Installs this build into a temporary folder and uses it as somebody else would: examples/client,
// copied from there, found by CMake and by pkg-config, paying against a real provider.

#include <filesystem>
#include <set>
#include <sstream>

#include "core/text_file.h"
#include "drill/child_process.h"
#include "e2e/whole_path.h"

namespace countersign::e2e {
namespace {

namespace fs = std::filesystem;

std::string run(std::vector<std::string> argv) {
  const drill::Finished finished = must(drill::run_command({.argv = argv, .input = {}}));
  EXPECT_EQ(finished.exit_code, 0) << argv[0] << ":\n" << finished.output << finished.errors;
  return finished.output;
}
std::string shell(const std::string& command) {
  return run({"/bin/sh", "-ec", command});
}

class Packaging : public WholePath {
 protected:
  // Once for all tests: it copies a library of many megabytes.
  static void SetUpTestSuite() {
    installation_ = std::make_unique<TemporaryFolder>();
    run({COUNTERSIGN_CMAKE, "--install", COUNTERSIGN_BUILD, "--prefix", prefix()});
  }
  static void TearDownTestSuite() { installation_.reset(); }
  static std::string prefix() { return (installation_->path() / "usr").string(); }
  static std::string library_folder() {
    for (const auto& entry : fs::recursive_directory_iterator(prefix())) {
      if (entry.path().filename() == "pkgconfig") return entry.path().parent_path().string();
    }
    return {};
  }

  // A payment by the program that was built outside the tree.
  void expect_pays(const std::string& program) {
    start_provider();
    start_consumer();
    const std::string payment =
        must(read_text_file(fs::path(examples()) / "payments/invoice-de-nl.json"));
    for (const std::string api : {"api_key", "oauth2_certificate"}) {
      const drill::Finished paid = must(drill::run_command(
          {.argv = {program, folder / "egress.toml", api, "invoice-1"}, .input = payment}));
      EXPECT_EQ(paid.exit_code, 0) << paid.errors;
      EXPECT_TRUE(paid.output.starts_with("answered 201 {")) << paid.output << paid.errors;
    }
  }
  static std::string examples() { return prefix() + "/share/doc/countersign/examples"; }

  static std::unique_ptr<TemporaryFolder> installation_;
};
std::unique_ptr<TemporaryFolder> Packaging::installation_;

TEST_F(Packaging, installs_everything_and_nothing_of_the_inside) {
  const std::string root = prefix();
  for (const std::string file :
       {"bin/countersign", "include/countersign/client.h",
        "lib/systemd/system/countersign-egress.service", "share/doc/countersign/LICENSE",
        "share/doc/countersign/examples/egress.toml"}) {
    EXPECT_TRUE(fs::exists(fs::path(root) / file)) << file;
  }
  std::set<std::string> headers;
  for (const auto& entry : fs::recursive_directory_iterator(root + "/include"))
    if (entry.is_regular_file()) headers.insert(entry.path().filename().string());
  EXPECT_EQ(headers,
            (std::set<std::string>{"call.h", "client.h", "export.h", "options.h", "secret.h"}));
  for (const std::string& header : headers) {
    const std::string text = must(read_text_file(fs::path(root) / "include/countersign" / header));
    for (const std::string_view foreign :
         {"openssl", "nlohmann", "fmt/", "toml", "\"core/", "\"http/"})
      EXPECT_EQ(text.find("#include <" + std::string(foreign)), std::string::npos) << header;
    EXPECT_EQ(text.find("#include \""), std::string::npos) << header;
  }
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || !entry.path().string().ends_with(".cmake")) continue;
    const std::string text = must(read_text_file(entry.path()));
    EXPECT_EQ(text.find(COUNTERSIGN_SOURCE_DIR), std::string::npos) << entry.path();
    EXPECT_EQ(text.find("cs_core"), std::string::npos) << entry.path();
  }
}

TEST_F(Packaging, example_builds_outside_the_tree_with_find_package_and_pays) {
  const std::string source = folder / "client";
  const std::string build = folder / "build";
  fs::copy(examples() + "/client", source);
  run({COUNTERSIGN_CMAKE, "-S", source, "-B", build, "-DCMAKE_PREFIX_PATH=" + prefix(),
       "-DCMAKE_CXX_COMPILER=" COUNTERSIGN_COMPILER, "-DCMAKE_CXX_FLAGS=" COUNTERSIGN_FLAGS});
  run({COUNTERSIGN_CMAKE, "--build", build});
  expect_pays(build + "/pay");

  const std::string payment =
      must(read_text_file(fs::path(examples()) / "payments/invoice-de-nl.json"));
  const drill::Finished together = must(drill::run_command(
      {.argv = {build + "/pay_together", folder / "egress.toml", "api_key", "batch-1", "5"},
       .input = payment}));
  EXPECT_EQ(together.exit_code, 0) << together.errors;
  std::istringstream lines(together.output);
  std::set<std::string> keys;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with("answered 201 batch-1-")) << line;
    keys.insert(line);
  }
  EXPECT_EQ(keys.size(), 5u) << together.output;
}

TEST_F(Packaging, example_builds_outside_the_tree_with_pkg_config_and_pays) {
  const std::string program = folder / "pay";
  shell("PKG_CONFIG_PATH='" + library_folder() +
        "/pkgconfig' && export PKG_CONFIG_PATH && '" COUNTERSIGN_COMPILER
        "' -std=c++20 " COUNTERSIGN_FLAGS " '" +
        examples() + "/client/pay.cc' -o '" + program +
        "' $(pkg-config --cflags --libs --static countersign) -Wl,-rpath,'" + library_folder() +
        "'");
  expect_pays(program);
}

TEST_F(Packaging, version_that_was_not_asked_for_is_refused) {
  const std::string source = folder / "newer";
  fs::create_directory(source);
  must(drill::write_private_file(
      source + "/CMakeLists.txt",
      "cmake_minimum_required(VERSION 3.20)\nproject(newer LANGUAGES NONE)\n"
      "find_package(countersign 0.2 CONFIG REQUIRED)\n"));
  const drill::Finished finished =
      must(drill::run_command({.argv = {COUNTERSIGN_CMAKE, "-S", source, "-B",
                                        folder / "newer-build", "-DCMAKE_PREFIX_PATH=" + prefix()},
                               .input = {}}));
  EXPECT_NE(finished.exit_code, 0);
  EXPECT_NE(finished.errors.find("0.1.0"), std::string::npos) << finished.errors;
}

TEST_F(Packaging, shared_library_exports_the_interface_and_nothing_else) {
  std::istringstream symbols(
      shell("nm --dynamic --defined-only --demangle '" COUNTERSIGN_SHARED_LIBRARY "'"));
  size_t count = 0;
  for (std::string line; std::getline(symbols, line);) {
    EXPECT_NE(line.find(" countersign::client::v0::"), std::string::npos) << line;
    EXPECT_EQ(line.find("std::vector<countersign"), std::string::npos) << line;
    for (const std::string_view inside : {"CallState", "Impl", "SecretAccess"})
      EXPECT_EQ(line.find("v0::" + std::string(inside) + "::"), std::string::npos) << line;
    ++count;
  }
  EXPECT_GE(count, 15u);
  const std::string missing =
      shell("nm --dynamic --undefined-only --demangle '" COUNTERSIGN_SHARED_LIBRARY "'");
  EXPECT_EQ(missing.find(" countersign::"), std::string::npos) << missing;
}

}  // namespace
}  // namespace countersign::e2e
