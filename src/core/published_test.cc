#include "core/published.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace countersign {
namespace {

TEST(Published, IsNullUntilSomethingIsPublished) {
  Published<int> published;
  Published<int>::Reader reader(published);
  EXPECT_EQ(reader.get(), nullptr);
  EXPECT_EQ(published.load(), nullptr);
  published.publish(std::make_shared<const int>(1));
  ASSERT_NE(reader.get(), nullptr);
  EXPECT_EQ(*reader.get(), 1);
  EXPECT_EQ(*published.load(), 1);
}

TEST(Published, IsSeenByTheNextGet) {
  Published<int> published(std::make_shared<const int>(1));
  Published<int>::Reader reader(published);
  EXPECT_EQ(*reader.get(), 1);
  published.publish(std::make_shared<const int>(2));
  EXPECT_EQ(*reader.get(), 2);
  published.publish(nullptr);
  EXPECT_EQ(reader.get(), nullptr);
}

TEST(Published, KeepsAnOldValueAsLongAsAReaderHasIt) {
  auto first = std::make_shared<const int>(1);
  const std::weak_ptr<const int> watch = first;
  Published<int> published(std::move(first));
  Published<int>::Reader reader(published);
  const int* seen = reader.get();
  published.publish(std::make_shared<const int>(2));
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(*seen, 1) << "valid until the next get()";
  const auto shared = reader.share();
  EXPECT_EQ(*shared, 2);
  EXPECT_TRUE(watch.expired());
}

// Two words that always belong together: a torn or stale read would show.
struct Pair {
  uint64_t number;
  uint64_t twice;
};

TEST(Published, NeverGoesBackAndIsNeverTornForManyThreads) {
  Published<Pair> published(std::make_shared<const Pair>(Pair{0, 0}));
  constexpr uint64_t last = 2000;
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Published<Pair>::Reader reader(published);
      for (uint64_t seen = 0; seen < last;) {
        const Pair* pair = reader.get();
        if (pair->twice != 2 * pair->number || pair->number < seen) ++wrong;
        seen = pair->number;
      }
    });
  }
  for (uint64_t i = 1; i <= last; ++i)
    published.publish(std::make_shared<const Pair>(Pair{i, 2 * i}));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Published, IsSeenOnceAnotherThreadKnowsThatItWasPublished) {
  Published<int> published(std::make_shared<const int>(0));
  std::atomic<int> announced = 0;
  int stale = 0;
  std::thread reading([&] {
    Published<int>::Reader reader(published);
    for (int known = 0; known < 1000;) {
      known = announced.load(std::memory_order_acquire);
      if (*reader.get() < known) ++stale;
    }
  });
  for (int i = 1; i <= 1000; ++i) {
    published.publish(std::make_shared<const int>(i));
    announced.store(i, std::memory_order_release);
  }
  reading.join();
  EXPECT_EQ(stale, 0);
}

}  // namespace
}  // namespace countersign
