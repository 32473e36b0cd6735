#include "core/config.h"

#include <algorithm>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temporary_folder.h"

namespace countersign {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

ConfigReader reading(std::string_view text, ConfigOverrides overrides = {}) {
  return ConfigReader::parse(text, "egress.toml", std::move(overrides));
}

std::vector<std::string> problems_of(ConfigReader& config) {
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : config.problems()) lines.push_back(problem.to_string());
  return lines;
}

class ConfigFiles : public ::testing::Test {
 protected:
  std::filesystem::path write(std::string_view name, std::string_view text, mode_t mode = 0600) {
    const auto path = folder_ / name;
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

  const testing::TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST(ConfigReader, ReadsEveryType) {
  auto config = reading(R"(
name = "payments"
enabled = true
threads = 4
idle = "1m30s"
lifetime = "5m"
body = "64KiB"
plain_size = 512
listen = "127.0.0.1:8080"
address = "2001:db8::1"
networks = ["10.0.0.0/8", "2001:db8::/32"]
scopes = ["a", "b"]
)");
  const ConfigSection root = config.root();
  EXPECT_EQ(root.string("name"), "payments");
  EXPECT_TRUE(root.boolean("enabled"));
  EXPECT_EQ(root.integer<int>("threads", {1, 64}), 4);
  EXPECT_EQ(root.duration("idle", {1s, 1h}), 90s);
  EXPECT_EQ(root.seconds("lifetime", 1s, {1s, 1h}), 300s);
  EXPECT_EQ(root.byte_size("body", {1, 1024 * 1024}), 64u * 1024);
  EXPECT_EQ(root.byte_size("plain_size", {1, 1024}), 512u);
  EXPECT_EQ(root.endpoint("listen").to_string(), "127.0.0.1:8080");
  EXPECT_EQ(root.ip_address("address").to_string(), "2001:db8::1");
  EXPECT_EQ(root.networks("networks").size(), 2u);
  EXPECT_THAT(root.strings("scopes"), ElementsAre("a", "b"));
  EXPECT_THAT(problems_of(config), IsEmpty());
  EXPECT_TRUE(config.finish().has_value());
}

TEST(ConfigReader, GivesFallbacksForAbsentKeys) {
  auto config = reading("");
  const ConfigSection root = config.root().section("egress");
  EXPECT_EQ(root.string("name", "none"), "none");
  EXPECT_TRUE(root.boolean("enabled", true));
  EXPECT_EQ(root.integer("threads", 2u, {1, 64}), 2u);
  EXPECT_EQ(root.duration("idle", 5s, {1s, 1h}), 5s);
  EXPECT_EQ(root.byte_size("body", 7, {1, 8}), 7u);
  EXPECT_EQ(root.endpoint("listen", Endpoint{}).port, 0);
  EXPECT_EQ(root.optional_string("other"), std::nullopt);
  EXPECT_EQ(root.optional_endpoint("metrics"), std::nullopt);
  EXPECT_EQ(root.optional_file("certificate", "a certificate"), std::nullopt);
  EXPECT_EQ(root.optional_secret("password"), std::nullopt);
  EXPECT_THAT(root.strings("scopes", {"x"}), ElementsAre("x"));
  EXPECT_TRUE(config.finish().has_value());
}

TEST(ConfigReader, TellsAllProblemsSortedByLine) {
  auto config = reading(R"([egress]
listen = 8080
idle_timeout = "soon"
thread = 3

[[api]]
name = ""
)");
  const ConfigSection root = config.root();
  const ConfigSection api = root.tables("api").at(0);
  EXPECT_EQ(api.string("name"), "");
  EXPECT_EQ(api.endpoint("upstream"), Endpoint{});
  const ConfigSection egress = root.section("egress");
  egress.duration("idle_timeout", 5s, {1s, 1h});
  EXPECT_EQ(egress.integer("threads", 1, {1, 64}), 1);
  egress.endpoint("listen");
  EXPECT_THAT(
      problems_of(config),
      ElementsAre(
          "egress.toml:2: egress.listen: expected an address and port such as 127.0.0.1:8080, "
          "not the number 8080",
          "egress.toml:3: egress.idle_timeout: expected a duration such as 250ms, 2s or 5m, from "
          "1s to 1h, not \"soon\"",
          "egress.toml:4: egress.thread: unknown key; did you mean \"threads\"?",
          "egress.toml:6: api[0].upstream: missing; expected an address and port such as "
          "127.0.0.1:8080",
          "egress.toml:7: api[0].name: expected a string that is not empty, not \"\""));
  const auto finished = config.finish();
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().kind, ErrorKind::misconfigured);
  EXPECT_EQ(finished.error().code, "config.invalid");
  EXPECT_EQ(std::ranges::count(finished.error().public_text, '\n'), 4);
}

TEST(ConfigReader, RefusesWrongTypes) {
  auto config = reading(R"(
string = 1
boolean = "true"
integer = "4"
fraction = 4.5
date = 2027-01-15
list = "a"
items = ["a", 1]
size = true
table = 1
tables = [1]
)");
  const ConfigSection root = config.root();
  EXPECT_EQ(root.string("string", "x"), "x");
  EXPECT_TRUE(root.boolean("boolean", true));
  EXPECT_EQ(root.integer("integer", 9, {1, 10}), 9);
  EXPECT_EQ(root.integer("fraction", 9, {1, 10}), 9);
  EXPECT_EQ(root.string("date", "x"), "x");
  EXPECT_THAT(root.strings("list", {"x"}), ElementsAre("x"));
  EXPECT_THAT(root.strings("items", {"x"}), ElementsAre("a"));
  EXPECT_EQ(root.byte_size("size", 3, {1, 10}), 3u);
  EXPECT_EQ(root.section("table").string("key"), "");
  EXPECT_THAT(root.tables("tables"), IsEmpty());
  EXPECT_THAT(
      problems_of(config),
      ElementsAre(
          "egress.toml:2: string: expected a string, not the number 1",
          "egress.toml:3: boolean: expected true or false, not a string",
          "egress.toml:4: integer: expected a whole number from 1 to 10, not a string",
          "egress.toml:5: fraction: expected a whole number from 1 to 10, not a number with a "
          "fraction",
          "egress.toml:6: date: expected a string, not a date or time",
          "egress.toml:7: list: expected a list, each item a string that is not empty, not a "
          "string",
          "egress.toml:8: items[1]: expected a string that is not empty, not the number 1",
          "egress.toml:9: size: expected a size such as 64KiB or 1MiB, from 1B to 10B, not true",
          "egress.toml:10: table: expected a table such as [table], not the number 1",
          "egress.toml:11: tables: expected tables such as [[tables]], not a list of values"));
}

TEST(ConfigReader, AcceptsBothEndsOfARangeAndNothingBeyond) {
  const auto read = [](std::string_view text) {
    auto config = reading(text);
    config.root().integer("n", 5, {2, 9});
    config.root().duration("d", 5s, {2s, 9s});
    config.root().byte_size("b", 5, {2, 9});
    return config.finish().has_value();
  };
  EXPECT_TRUE(read("n = 2\nd = \"2s\"\nb = 2"));
  EXPECT_TRUE(read("n = 9\nd = \"9s\"\nb = \"9B\""));
  EXPECT_FALSE(read("n = 1"));
  EXPECT_FALSE(read("n = 10"));
  EXPECT_FALSE(read("d = \"1999ms\""));
  EXPECT_FALSE(read("d = \"9001ms\""));
  EXPECT_FALSE(read("b = 1"));
  EXPECT_FALSE(read("b = \"1KiB\""));
  EXPECT_FALSE(read("b = -2"));
}

TEST(ConfigReader, RefusesFractionsOfASecondWhereWholeOnesAreMeant) {
  auto config = reading("lifetime = \"1500ms\"");
  EXPECT_EQ(config.root().seconds("lifetime", 7s, {1s, 1h}), 7s);
  EXPECT_FALSE(config.finish().has_value());
}

TEST(ConfigReader, NeedsAnItemWhereAListIsRequired) {
  auto config = reading("networks = []");
  EXPECT_THAT(config.root().networks("networks"), IsEmpty());
  EXPECT_THAT(
      problems_of(config),
      ElementsAre("egress.toml:1: networks: expected at least one item, each a network such as "
                  "10.0.0.0/8"));
}

TEST(ConfigReader, NamesTheItemOfAListThatIsWrong) {
  auto config = reading("networks = [\"10.0.0.0/8\",\n\"10.0.0.1/8\"]");
  config.root().networks("networks");
  EXPECT_THAT(problems_of(config),
              ElementsAre("egress.toml:2: networks[1]: expected a network such as "
                          "10.0.0.0/8, not \"10.0.0.1/8\""));
}

TEST(ConfigReader, TellsWhatIsNotTomlAndNothingElse) {
  for (const std::string_view text : {"a = 1\na = 2\n", "a = 1\nb = \n", "[x]\n[x]\n"}) {
    auto config = reading(text);
    config.root().string("required");
    config.root().section("x").string("required");
    const auto problems = problems_of(config);
    ASSERT_EQ(problems.size(), 1u) << text;
    EXPECT_THAT(problems[0], HasSubstr("egress.toml:2: not TOML: "));
  }
}

TEST(ConfigReader, RefusesDeepNestingAndLongLines) {
  std::string deep = "a = 1\nb = ";
  for (int i = 0; i < 17; ++i) deep += "[";
  for (int i = 0; i < 17; ++i) deep += "]";
  auto config = reading(deep);
  EXPECT_THAT(problems_of(config), ElementsAre(HasSubstr("egress.toml:2: nested too deeply")));

  std::string dotted = "\na";
  for (int i = 0; i < 8 * 1024; ++i) dotted += ".a";
  config = reading(dotted + " = 1");
  EXPECT_THAT(problems_of(config), ElementsAre(HasSubstr("egress.toml:2: the line is longer")));
}

TEST(ConfigReader, RefusesControlCharacters) {
  for (const std::string_view text :
       {std::string_view("\n[\1\0a]", 6), std::string_view("\n# \x1b[2J"),
        std::string_view("\na = \"\x7f\"")}) {
    auto config = reading(text);
    EXPECT_THAT(problems_of(config), ElementsAre("egress.toml:2: not TOML: a control character"));
  }
  auto config = reading("a\t=\t1\r\n");
  EXPECT_EQ(config.root().integer<int>("a", {1, 1}), 1);
  EXPECT_TRUE(config.finish().has_value());
}

TEST(ConfigReader, ReportsOnlyTheOutermostUnknownTable) {
  auto config = reading("[gatewya]\nlisten = \"x\"\n[gatewya.deep]\na = 1\n");
  config.root().section("gateway");
  EXPECT_THAT(problems_of(config),
              ElementsAre("egress.toml:1: gatewya: unknown key; did you mean \"gateway\"?"));
}

TEST(ConfigReader, ReportsTheKeysOfATableThatWasOnlyLookedFor) {
  auto config = reading("[gateway]\nlisten = \"x\"\n");
  EXPECT_TRUE(config.root().has("gateway"));
  EXPECT_FALSE(config.root().has("egress"));
  EXPECT_THAT(problems_of(config), ElementsAre("egress.toml:2: gateway.listen: unknown key"));
}

TEST(ConfigReader, SkipsWhatIsNotWantedHere) {
  auto config = reading("[gateway]\nlisten = \"x\"\n[[gateway.route]]\npath = \"/\"\n");
  config.root().skip("gateway");
  config.root().skip("absent");
  EXPECT_TRUE(config.finish().has_value());
}

TEST(ConfigReader, ListsTheNamesAWriterChose) {
  auto config = reading("[scopes]\n\"payments:read\" = \"GET\"\n\"payments:write\" = \"POST\"\n");
  const ConfigSection scopes = config.root().section("scopes");
  EXPECT_THAT(scopes.keys(), ElementsAre("payments:read", "payments:write"));
  for (const std::string& name : scopes.keys()) EXPECT_NE(scopes.string(name), "");
  EXPECT_TRUE(config.finish().has_value());
}

TEST(ConfigReader, TakesOneOfTheChoicesOnly) {
  enum class Mode { strict, lax };
  const auto read = [](ConfigReader& config) {
    return config.root().choice("mode", Mode::strict,
                                {{"strict", Mode::strict}, {"lax", Mode::lax}});
  };
  auto config = reading("mode = \"lax\"");
  EXPECT_EQ(read(config), Mode::lax);
  config = reading("");
  EXPECT_EQ(read(config), Mode::strict);
  EXPECT_TRUE(config.finish().has_value());
  config = reading("mode = \"LAX\"");
  EXPECT_EQ(read(config), Mode::strict);
  EXPECT_THAT(problems_of(config),
              ElementsAre("egress.toml:1: mode: expected one of \"strict\" \"lax\", not \"LAX\""));
}

TEST(ConfigReader, NotesProblemsOfTheCallersOwn) {
  auto config = reading("\n[egress]\nlisten = \"0.0.0.0:80\"\n");
  const ConfigSection egress = config.root().section("egress");
  egress.endpoint("listen");
  egress.problem("listen", "not a loopback address");
  egress.problem("peers", "at least one of peers and networks is needed");
  EXPECT_THAT(
      problems_of(config),
      ElementsAre("egress.toml:2: egress.peers: at least one of peers and networks is needed",
                  "egress.toml:3: egress.listen: not a loopback address"));
}

TEST(ConfigReader, ListsUnsafeOptionsThatAreOn) {
  auto config = reading("[api]\nunsafe_skip_pins = true\nunsafe_other = false\n");
  EXPECT_THAT(config.unsafe_options(), ElementsAre("egress.toml:2: api.unsafe_skip_pins"));
}

TEST(ConfigReader, ShowsNoControlCharactersOfAValue) {
  auto config = reading("listen = \"\\u001b[2J\"");
  config.root().endpoint("listen");
  EXPECT_THAT(problems_of(config), ElementsAre(HasSubstr("not \"\\u001b[2J\"")));
}

TEST(ConfigOverrides, FlagBeatsEnvironmentBeatsFile) {
  const std::string file = "[egress]\na = \"file\"\nb = \"file\"\nc = \"file\"\n";
  auto config = reading(file, {.flags = {"egress.c=flag"},
                               .environment = {{"COUNTERSIGN__EGRESS__B", "environment"},
                                               {"COUNTERSIGN__EGRESS__C", "environment"},
                                               {"COUNTERSIGN__EGRESS__D", "environment"},
                                               {"COUNTERSIGN_SERVICE_HOST", "of the platform"},
                                               {"PATH", "/bin"}}});
  const ConfigSection egress = config.root().section("egress");
  EXPECT_EQ(egress.string("a"), "file");
  EXPECT_EQ(egress.string("b"), "environment");
  EXPECT_EQ(egress.string("c"), "flag");
  EXPECT_EQ(egress.string("d"), "environment");
  EXPECT_TRUE(config.finish().has_value());
}

TEST(ConfigOverrides, AreReadAsTheKeysType) {
  auto config = reading("[[api]]\nname = \"x\"\n",
                        {.flags = {"api[0].threads=7", "on=true", "idle=2s", "body=1KiB",
                                   "scopes=a, b", "networks=10.0.0.0/8,192.0.2.1", "empty="},
                         .environment = {{"COUNTERSIGN__API__0__NAME", "y"}}});
  const ConfigSection root = config.root();
  const ConfigSection api = root.tables("api").at(0);
  EXPECT_EQ(api.string("name"), "y");
  EXPECT_EQ(api.integer<int>("threads", {1, 8}), 7);
  EXPECT_TRUE(root.boolean("on"));
  EXPECT_EQ(root.duration("idle", {1s, 3s}), 2s);
  EXPECT_EQ(root.byte_size("body", {1, 2048}), 1024u);
  EXPECT_THAT(root.strings("scopes"), ElementsAre("a", "b"));
  EXPECT_EQ(root.networks("networks").size(), 2u);
  EXPECT_THAT(root.strings("empty", {"x"}), IsEmpty());
  EXPECT_THAT(problems_of(config), IsEmpty());
}

TEST(ConfigOverrides, AreNamedInProblemsAfterThoseOfTheFile) {
  auto config =
      reading("[egress]\nbad = 1\n", {.flags = {"egress.idle=x", "egress.threads=99", "nothing",
                                                "a..b=1", "api[0].name=x", "egress.on=yes"},
                                      .environment = {{"COUNTERSIGN__EGRESS__LISTEN", "nowhere"},
                                                      {"COUNTERSIGN__EGRES__LISTEN", "x"}}});
  const ConfigSection egress = config.root().section("egress");
  egress.endpoint("listen");
  egress.duration("idle", {1s, 2s});
  EXPECT_EQ(egress.integer("threads", 3, {1, 64}), 3);
  EXPECT_FALSE(egress.boolean("on", false));
  config.root().tables("apis");
  EXPECT_THAT(
      problems_of(config),
      ElementsAre(
          "egress.toml:2: egress.bad: unknown key",
          "COUNTERSIGN__EGRESS__LISTEN: egress.listen: expected an address and port such as "
          "127.0.0.1:8080, not \"nowhere\"",
          "COUNTERSIGN__EGRES__LISTEN: egres: unknown key; did you mean \"egress\"?",
          "--set: expected section.key=value",
          "--set: a..b: not the name of a key; expected section.key or section[0].key",
          "--set: api: unknown key; did you mean \"apis\"?",
          "--set: api[0].name: leads nowhere: what it goes through is not in the file",
          "--set: egress.idle: expected a duration such as 250ms, 2s or 5m, from 1s to 2s, not "
          "\"x\"",
          "--set: egress.on: expected true or false, not \"yes\"",
          "--set: egress.threads: expected a whole number from 1 to 64, not \"99\""));
}

TEST_F(ConfigFiles, LoadSaysWhatIsWrongWithTheFile) {
  const auto missing = folder_ / "none.toml";
  auto config = ConfigReader::load(missing);
  config.root().string("required");
  EXPECT_THAT(problems_of(config),
              ElementsAre(missing.string() + ": no such file; expected a configuration (TOML)"));
  config = ConfigReader::load(folder_);
  EXPECT_THAT(problems_of(config), ElementsAre(folder_.string() + ": not a regular file"));
  const auto large = write("large.toml", std::string(1024 * 1024 + 1, '\n'));
  config = ConfigReader::load(large);
  EXPECT_THAT(problems_of(config), ElementsAre(large.string() + ": larger than 1 MiB"));
}

TEST_F(ConfigFiles, PathsAreRelativeToTheConfigurationsFolder) {
  write("client.crt", "certificate");
  const auto file =
      write("egress.toml", "certificate = \"client.crt\"\nstore = \"../x/store.db\"\n");
  auto config = ConfigReader::load(file);
  EXPECT_EQ(config.root().file("certificate", "a certificate (PEM)"), folder_ / "client.crt");
  EXPECT_EQ(config.root().path_to("store"), folder_.parent_path() / "x/store.db");
  EXPECT_EQ(config.root().path_to("other", "fallback"), "fallback");
  EXPECT_TRUE(config.finish().has_value());
}

TEST_F(ConfigFiles, KnowsTheFilesThatAReloadDependsOn) {
  write("client.crt", "certificate");
  write("key", "secret");
  const auto file =
      write("egress.toml",
            "certificate = \"client.crt\"\nsame = \"client.crt\"\nkey_file = \"key\"\n"
            "other = \"missing.crt\"\nstore = \"store.db\"\n");
  auto config = ConfigReader::load(file);
  config.root().file("certificate", "a certificate (PEM)");
  config.root().file("same", "a certificate (PEM)");
  config.root().secret("key");
  config.root().optional_file("other", "a certificate (PEM)");
  config.root().path_to("store");
  EXPECT_THAT(config.files(), UnorderedElementsAre(file, folder_ / "client.crt", folder_ / "key",
                                                   folder_ / "missing.crt"));
}

TEST_F(ConfigFiles, SaysWhichFileIsMissingAndWhatItShouldHold) {
  const auto file =
      write("egress.toml", "\ncertificate = \"none.crt\"\nkey = \".\"\nfolder = \"egress.toml\"\n");
  auto config = ConfigReader::load(file);
  EXPECT_EQ(config.root().file("certificate", "a certificate (PEM)"), "");
  EXPECT_EQ(config.root().file("key", "a private key (PEM)"), "");
  EXPECT_EQ(config.root().folder("folder", "a folder of keys"), "");
  const std::string name = file.string();
  EXPECT_THAT(problems_of(config),
              ElementsAre(name + ":2: certificate: no such file \"" +
                              (folder_ / "none.crt").string() + "\"; expected a certificate (PEM)",
                          HasSubstr(name + ":3: key: not a file: "),
                          HasSubstr(name + ":4: folder: not a folder: ")));
}

TEST_F(ConfigFiles, ReadsASecretFromAFileACredentialOrAVariable) {
  write("secret", "from a file\n");
  const auto file =
      write("egress.toml", "a_file = \"secret\"\nb_credential = \"secret\"\nc_env = \"SECRET\"\n");
  const std::string folder = folder_.string();
  auto config = ConfigReader::load(
      file, {.flags = {},
             .environment = {{"CREDENTIALS_DIRECTORY", folder}, {"SECRET", "from a variable"}}});
  EXPECT_EQ(config.root().secret("a").unsafe_reveal_text(), "from a file");
  EXPECT_EQ(config.root().secret("b").unsafe_reveal_text(), "from a file");
  EXPECT_EQ(config.root().secret("c").unsafe_reveal_text(), "from a variable");
  EXPECT_TRUE(config.finish().has_value());
}

TEST_F(ConfigFiles, RefusesSecretsThatAreInlineExposedAmbiguousOrMissing) {
  const auto exposed = write("exposed", "s3cret", 0640);
  const auto file =
      write("egress.toml",
            "a = \"s3cret\"\nb_file = \"exposed\"\nc_file = \"exposed\"\nc_env = \"C\"\n"
            "d_file = 5\n");
  auto config = ConfigReader::load(file, {.flags = {"e=s3cret"}, .environment = {}});
  for (const std::string_view name : {"a", "b", "c", "d", "e", "f"}) {
    EXPECT_TRUE(config.root().secret(name).empty()) << name;
  }
  const auto problems = problems_of(config);
  const std::string path = file.string();
  EXPECT_THAT(problems,
              ElementsAre(path + ": f_file: missing; expected a file that holds the secret (or "
                                 "f_credential, or f_env)",
                          HasSubstr(":1: a: a secret is not written into the configuration"),
                          HasSubstr(":2: b_file: " + exposed.string() + ": its mode 0640"),
                          HasSubstr(":4: c_env: give only one of c_file, c_credential and c_env"),
                          HasSubstr(":5: d_file: expected a path, not the number 5"),
                          HasSubstr("--set: e: a secret is not written into the configuration")));
  for (const std::string& problem : problems)
    EXPECT_THAT(problem, ::testing::Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace countersign
