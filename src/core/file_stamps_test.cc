#include "core/file_stamps.h"

#include <fstream>

#include <gtest/gtest.h>

#include "core/temporary_folder.h"

namespace countersign {
namespace {

class FileStamps : public ::testing::Test {
 protected:
  std::filesystem::path path(std::string_view name) const { return folder_ / name; }
  void write(std::string_view name, std::string_view text) {
    std::ofstream(path(name), std::ios::trunc) << text;
  }
  FileStamp stamp(std::string_view name) { return look_at({path(name)}).at(0); }

  TemporaryFolder folder_;
};

TEST_F(FileStamps, AreEqualWhileNothingChanges) {
  write("a", "one");
  EXPECT_EQ(stamp("a"), stamp("a"));
  EXPECT_NE(stamp("a"), FileStamp());
}

TEST_F(FileStamps, SeeAnotherLengthAnotherFileAndARemoval) {
  write("a", "one");
  const FileStamp first = stamp("a");
  write("a", "longer");
  const FileStamp second = stamp("a");
  EXPECT_NE(first, second);
  write("b", "longer");
  std::filesystem::rename(path("b"), path("a"));
  const FileStamp third = stamp("a");
  EXPECT_NE(second, third);
  std::filesystem::remove(path("a"));
  EXPECT_EQ(stamp("a"), FileStamp());
}

TEST_F(FileStamps, FollowASymbolicLinkThatIsSwapped) {
  write("old", "one");
  write("new", "two");
  std::filesystem::create_symlink(path("old"), path("current"));
  const FileStamp before = stamp("current");
  std::filesystem::create_symlink(path("new"), path("next"));
  std::filesystem::rename(path("next"), path("current"));
  EXPECT_NE(stamp("current"), before);
  EXPECT_EQ(stamp("current"), stamp("new"));
}

TEST_F(FileStamps, GiveOneForEachPath) {
  write("a", "one");
  const auto stamps = look_at({path("none"), path("a")});
  ASSERT_EQ(stamps.size(), 2u);
  EXPECT_EQ(stamps[0], FileStamp());
  EXPECT_EQ(stamps[1], stamp("a"));
}

}  // namespace
}  // namespace countersign
