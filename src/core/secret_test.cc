#include "core/secret.h"

#include <concepts>
#include <ostream>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

namespace countersign {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!Printable<Secret>, "a Secret cannot be streamed");
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>, "making one is explicit");

// Long enough to lie on the heap.
const std::string text = "a secret that is longer than any small string buffer";

TEST(Secret, TakesTextOverAndZeroesTheOriginal) {
  std::string source = text;
  const char* memory = source.data();
  const Secret secret = Secret::take(std::move(source));
  EXPECT_EQ(secret.unsafe_reveal_text(), text);
  EXPECT_TRUE(source.empty());
  ASSERT_EQ(source.data(), memory)
      << "the buffer is still the string's, so that it can be looked at";
  EXPECT_EQ(std::string_view(memory, text.size()), std::string(text.size(), '\0'));
}

TEST(Secret, TakesBytesOverWithoutACopy) {
  Bytes bytes = to_bytes(text);
  const uint8_t* memory = bytes.data();
  const Secret secret = Secret::take(std::move(bytes));
  EXPECT_EQ(secret.unsafe_reveal().data(), memory);
  EXPECT_EQ(secret.size(), text.size());
}

TEST(Secret, CopiesAndMoves) {
  const Secret first = Secret::copy_of(text);
  Secret copy = first;
  EXPECT_TRUE(copy == first);
  Secret moved = std::move(copy);
  EXPECT_TRUE(moved == first);
  EXPECT_TRUE(copy.empty());
  Secret assigned = Secret::copy_of("old");
  assigned = moved;
  EXPECT_TRUE(assigned == first);
  assigned = Secret::copy_of("short");
  EXPECT_EQ(assigned.unsafe_reveal_text(), "short");
  assigned = std::move(moved);
  EXPECT_EQ(assigned.unsafe_reveal_text(), text);
  EXPECT_TRUE(moved.empty());
  const Secret& itself = assigned;
  assigned = itself;
  EXPECT_EQ(assigned.unsafe_reveal_text(), text);
}

TEST(Secret, ComparesByContent) {
  EXPECT_TRUE(Secret() == Secret());
  EXPECT_TRUE(Secret::copy_of("a") == Secret::copy_of("a"));
  EXPECT_FALSE(Secret::copy_of("a") == Secret::copy_of("b"));
  EXPECT_FALSE(Secret::copy_of("a") == Secret());
}

TEST(Wipe, ZeroesTheWholeCapacity) {
  std::string source = text;
  source.resize(10);
  const char* memory = source.data();
  const size_t capacity = source.capacity();
  wipe(source);
  EXPECT_TRUE(source.empty());
  ASSERT_EQ(source.data(), memory);
  source.resize(capacity, 'x');  // within the capacity: the bytes become ours to read again
  EXPECT_EQ(source.data(), memory);
  Bytes bytes = to_bytes(text);
  const uint8_t* at = bytes.data();
  bytes.resize(3);
  wipe(bytes);
  bytes.reserve(text.size());
  EXPECT_EQ(bytes.data(), at) << "the memory is kept, so that nothing unwiped was given back";
  EXPECT_TRUE(bytes.empty());
  std::string nothing;
  wipe(nothing);
  Bytes none;
  wipe(none);
  EXPECT_TRUE(nothing.empty() && none.empty());
}

}  // namespace
}  // namespace countersign
