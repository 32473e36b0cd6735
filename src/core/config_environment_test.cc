#include "core/config_environment.h"

#include <gtest/gtest.h>

namespace countersign {
namespace {

TEST(ProcessEnvironment, HasWhatTheProcessWasStartedWith) {
  const Environment environment = process_environment();
  const auto path = environment.find("PATH");
  ASSERT_NE(path, environment.end());
  EXPECT_FALSE(path->second.empty());
  EXPECT_FALSE(environment.contains(""));
}

}  // namespace
}  // namespace countersign
