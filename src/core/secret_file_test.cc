#include "core/secret_file.h"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temporary_folder.h"

namespace countersign {
namespace {

using ::testing::HasSubstr;

class SecretFile : public ::testing::Test {
 protected:
  std::filesystem::path write(std::string_view name, std::string_view text, mode_t mode = 0600) {
    const auto path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    chmod(path.c_str(), mode);
    return path;
  }
  static std::string code_of(const Result<Secret>& result) {
    return result ? "no error" : result.error().code;
  }

  const testing::TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(SecretFile, IsReadWithoutOneNewlineAtItsEnd) {
  EXPECT_EQ(read_secret_file(write("a", "s3cret"))->unsafe_reveal_text(), "s3cret");
  EXPECT_EQ(read_secret_file(write("b", "s3cret\n"))->unsafe_reveal_text(), "s3cret");
  EXPECT_EQ(read_secret_file(write("c", "s3cret\n\n"))->unsafe_reveal_text(), "s3cret\n");
  EXPECT_EQ(read_secret_file(write("d", " s3\ncret \n"))->unsafe_reveal_text(), " s3\ncret ");
}

TEST_F(SecretFile, IsRefusedIfItsGroupOrOthersCanReachIt) {
  EXPECT_EQ(code_of(read_secret_file(write("ok", "x", 0400))), "no error");
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666, 0777}) {
    const auto path = write("open", "x", mode);
    const auto read = read_secret_file(path);
    ASSERT_FALSE(read.has_value()) << mode;
    EXPECT_EQ(read.error().code, "secret.exposed");
    EXPECT_THAT(read.error().private_detail, HasSubstr("chmod 600 " + path.string()));
  }
}

TEST_F(SecretFile, IsRefusedIfItIsNoFile) {
  EXPECT_EQ(code_of(read_secret_file(folder_ / "none")), "secret.unreadable");
  EXPECT_EQ(code_of(read_secret_file(folder_)), "secret.unreadable");
  EXPECT_EQ(code_of(read_secret_file("")), "secret.unreadable");
  EXPECT_EQ(code_of(read_secret_file(std::string("a\0b", 3))), "secret.unreadable");
  const auto fifo = folder_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(code_of(read_secret_file(fifo)), "secret.unreadable");
}

TEST_F(SecretFile, IsRefusedIfEmptyOrTooLarge) {
  EXPECT_EQ(code_of(read_secret_file(write("empty", ""))), "secret.empty");
  EXPECT_EQ(code_of(read_secret_file(write("newline", "\n"))), "secret.empty");
  EXPECT_EQ(read_secret_file(write("most", std::string(secret_file_bytes_max, 'x')))->size(),
            secret_file_bytes_max);
  EXPECT_EQ(code_of(read_secret_file(write("more", std::string(secret_file_bytes_max + 1, 'x')))),
            "secret.too_large");
}

TEST_F(SecretFile, MayBeReachedByASymbolicLink) {
  std::filesystem::create_symlink(write("target", "s3cret"), folder_ / "link");
  EXPECT_EQ(read_secret_file(folder_ / "link")->unsafe_reveal_text(), "s3cret");
}

TEST_F(SecretFile, IsFoundAsASystemdCredential) {
  write("api-key", "s3cret\n", 0440);
  const std::string folder = folder_.string();
  const Environment environment = {{"CREDENTIALS_DIRECTORY", folder}};
  EXPECT_EQ(read_secret_credential("api-key", environment)->unsafe_reveal_text(), "s3cret");
  EXPECT_EQ(code_of(read_secret_credential("other", environment)), "secret.unreadable");
  EXPECT_EQ(code_of(read_secret_credential("api-key", {})), "secret.unreadable");
  for (const std::string_view name : {"", ".", "..", ".hidden", "a/b", "../x", "/etc/passwd"}) {
    EXPECT_EQ(code_of(read_secret_credential(name, environment)), "secret.bad_name") << name;
  }
}

TEST_F(SecretFile, MayBeAnEnvironmentVariable) {
  const Environment environment = {{"KEY", "s3cret"}, {"EMPTY", ""}};
  EXPECT_EQ(read_secret_variable("KEY", environment)->unsafe_reveal_text(), "s3cret");
  EXPECT_EQ(code_of(read_secret_variable("EMPTY", environment)), "secret.empty");
  EXPECT_EQ(code_of(read_secret_variable("NONE", environment)), "secret.empty");
}

}  // namespace
}  // namespace countersign
