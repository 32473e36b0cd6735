// Client identities from files as the openssl command makes them: what administrators have.

#include "client/identity_files.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "crypto/certificate.h"
#include "drill/child_process.h"

namespace countersign::client {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IdentityFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes",
             "-keyout", path("open.key"), "-out", path("shop.pem"), "-subj", "/CN=shop", "-days",
             "2"});
    openssl({"pkcs8", "-topk8", "-in", path("open.key"), "-out", path("locked.key"), "-v2",
             "aes-256-cbc", "-passout", "pass:four words of it"});
    openssl({"pkcs12", "-export", "-inkey", path("open.key"), "-in", path("shop.pem"), "-out",
             path("shop.p12"), "-passout", "pass:four words of it"});
    write("passphrase", "four words of it\n");
    write("wrong", "three words\n");
    for (const char* name : {"open.key", "locked.key", "shop.p12", "passphrase", "wrong"}) {
      std::filesystem::permissions(
          folder_ / name, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
  }
  void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/openssl");
    const auto finished = drill::run_command({.argv = std::move(arguments), .input = {}});
    ASSERT_TRUE(finished) << finished.error().for_log();
    ASSERT_EQ(finished->exit_code, 0) << finished->errors;
  }
  std::string path(std::string_view name) const {
    return std::filesystem::path(folder_ / name).string();
  }
  void write(std::string_view name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
  }
  // The identity; its problems are in problems_.
  std::optional<crypto::TlsIdentity> read(std::string_view toml) {
    ConfigReader reader = ConfigReader::parse(toml, folder_ / "egress.toml");
    auto identity = read_identity_files(reader.root());
    problems_.clear();
    for (const ConfigProblem& problem : reader.problems()) problems_ += problem.to_string() + "\n";
    return identity;
  }

  TemporaryFolder folder_;
  std::string problems_;
};

TEST_F(IdentityFiles, EveryFormGivesTheSame) {
  const auto plain = read("certificate = \"shop.pem\"\nprivate_key_file = \"open.key\"");
  ASSERT_TRUE(plain);
  EXPECT_THAT(problems_, IsEmpty());
  const auto key = crypto::decrypt_private_key(plain->private_key_pem, {});
  const auto locked = read(
      "certificate = \"shop.pem\"\nprivate_key_file = \"locked.key\"\n"
      "private_key_passphrase_file = \"passphrase\"");
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_TRUE(locked->private_key_pem == *key);
  const auto packed = read("pkcs12_file = \"shop.p12\"\npkcs12_passphrase_file = \"passphrase\"");
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_TRUE(packed->private_key_pem == *key);
  EXPECT_EQ(crypto::parse_certificate_pem(packed->certificate_chain_pem)->thumbprint,
            crypto::parse_certificate_pem(plain->certificate_chain_pem)->thumbprint);
  EXPECT_EQ(read(""), std::nullopt);
}

TEST_F(IdentityFiles, SaysWhatIsWrongAndWhere) {
  read(
      "certificate = \"shop.pem\"\nprivate_key_file = \"locked.key\"\n"
      "private_key_passphrase_file = \"wrong\"");
  EXPECT_THAT(problems_, HasSubstr("egress.toml:2: private_key_file: the text holds no PEM private "
                                   "key that this passphrase opens"));
  read("pkcs12_file = \"shop.p12\"\npkcs12_passphrase_file = \"wrong\"");
  EXPECT_THAT(problems_, HasSubstr("egress.toml:1: pkcs12_file: "));
  EXPECT_THAT(problems_, HasSubstr("the passphrase is wrong"));
  read("pkcs12_file = \"shop.p12\"");
  EXPECT_THAT(problems_, HasSubstr("pkcs12_passphrase_file"));
  read(
      "pkcs12_file = \"shop.p12\"\npkcs12_passphrase_file = \"passphrase\"\n"
      "certificate = \"shop.pem\"\nprivate_key_file = \"open.key\"");
  EXPECT_THAT(problems_, HasSubstr("give either"));
  EXPECT_THAT(problems_, ::testing::Not(HasSubstr("words")));
}

TEST_F(IdentityFiles, APkcs12FileThatOthersMayReadIsRefused) {
  std::filesystem::permissions(folder_ / "shop.p12", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  read("pkcs12_file = \"shop.p12\"\npkcs12_passphrase_file = \"passphrase\"");
  EXPECT_THAT(problems_, HasSubstr("chmod 600"));
}

}  // namespace
}  // namespace countersign::client
