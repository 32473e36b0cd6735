#include "protocol/trace_context.h"

#include <string>

#include <gtest/gtest.h>

namespace countersign::protocol {
namespace {

constexpr std::string_view valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string with(size_t at, std::string_view text) {
  std::string changed(valid);
  return changed.replace(at, text.size(), text);
}

TEST(TraceContext, ReadsWhatTheRecommendationShows) {
  const auto context = TraceContext::parse(valid);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->text(), valid);
  EXPECT_EQ(context->trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context->parent_id(), "00f067aa0ba902b7");
  EXPECT_TRUE(context->sampled());
}

TEST(TraceContext, AnythingElseCountsAsAbsent) {
  for (const std::string& text :
       {std::string(), std::string("00"), std::string(valid.substr(0, 54)),
        std::string(valid) + "-", std::string(valid) + "0", with(0, "ff"), with(0, "0g"),
        with(0, "FF"), with(2, "_"), with(35, "0"), with(52, "+"), with(3, "4BF9"),
        with(3, std::string(32, '0')), with(36, std::string(16, '0')), with(53, "0x"),
        with(53, " 1"), " " + std::string(valid)}) {
    EXPECT_FALSE(TraceContext::parse(text)) << text;
  }
}

TEST(TraceContext, ReadsOfALaterVersionWhatThisOneHas) {
  for (const std::string& text :
       {with(0, "01"), with(0, "fe"), with(0, "01") + "-more", with(0, "cc") + "-"}) {
    const auto context = TraceContext::parse(text);
    ASSERT_TRUE(context) << text;
    EXPECT_EQ(context->text(), valid) << text;
  }
  EXPECT_FALSE(TraceContext::parse(with(0, "01") + "more"));
}

TEST(TraceContext, PassesOnlyTheSampledFlagOn) {
  EXPECT_EQ(TraceContext::parse(with(53, "ff"))->text().substr(53), "01");
  EXPECT_EQ(TraceContext::parse(with(53, "fe"))->text().substr(53), "00");
  EXPECT_EQ(TraceContext::parse(with(53, "00"))->text().substr(53), "00");
}

TEST(TraceContext, TheNextHopKeepsTheTraceAndHasItsOwnParentId) {
  TraceContext::RandomBytes random{};
  random.fill(0xab);
  const TraceContext next = TraceContext::parse(valid)->next(random);
  EXPECT_EQ(next.text(), "00-4bf92f3577b34da6a3ce929d0e0e4736-abababababababab-01");
}

TEST(TraceContext, ANewTraceIsValidWhateverTheBytesAndNotSampled) {
  TraceContext::RandomBytes random{};
  const TraceContext zeros = TraceContext::start(random);
  EXPECT_EQ(zeros.text(), "00-00000000000000000000000000000001-0000000000000001-00");
  EXPECT_TRUE(TraceContext::parse(zeros.text()));
  random.fill(0x5a);
  EXPECT_FALSE(TraceContext::start(random).sampled());
  EXPECT_EQ(TraceContext::start(random).trace_id(), "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
}

TEST(TraceState, IsAListOfKeysAndValues) {
  for (const std::string_view text : {"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a=1",
                                      " a=1 , b=2 ", "a=1,,b=2", "1t@vendor=x", "a/b*c_d-e=x y"}) {
    EXPECT_TRUE(is_tracestate(text)) << text;
  }
  for (const std::string_view text : {"", ",", "a", "=1", "a=", "A=1", "1a=1", "a=1,a=2", "a=b=c",
                                      "a=\t1", "a b=1", "t@=1", "@v=1", "t@V=1", "a=\x7f"}) {
    EXPECT_FALSE(is_tracestate(text)) << text;
  }
}

TEST(TraceState, IsBounded) {
  std::string members;
  for (int i = 0; i < 32; ++i) members += (i ? ",k" : "k") + std::to_string(i) + "=v";
  EXPECT_TRUE(is_tracestate(members));
  EXPECT_FALSE(is_tracestate(members + ",one=more"));
  EXPECT_TRUE(is_tracestate("a=" + std::string(256, 'x')));
  EXPECT_FALSE(is_tracestate("a=" + std::string(257, 'x')));
  EXPECT_FALSE(is_tracestate("a=" + std::string(250, 'x') + ",b=" + std::string(257, 'x')));
}

}  // namespace
}  // namespace countersign::protocol
