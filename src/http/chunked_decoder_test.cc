// ChunkedDecoder: RFC 9112 §7.1, whole and in fragments.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http/h1_codec.h"
#include "support/fragments.h"

namespace countersign::http {
namespace {

using namespace std::string_literals;
using State = ChunkedDecoder::State;

struct Outcome {
  State state = State::need_more;
  std::string body;
  size_t consumed = 0;
  std::string code;
  bool operator==(const Outcome&) const = default;
};

// Feeds what arrives; what a step left over comes again with what follows it.
Outcome decode_in_pieces(const std::string& text, const std::vector<size_t>& way) {
  ChunkedDecoder decoder;
  Outcome outcome;
  for (const size_t arrived : way) {
    for (;;) {
      const std::string input = text.substr(outcome.consumed, arrived - outcome.consumed);
      const ChunkedDecoder::Step step = decoder.next(input);
      outcome.state = step.state;
      outcome.consumed += step.consumed;
      outcome.body += step.data;
      outcome.code = step.code;
      if (step.state == State::end || step.state == State::refused) return outcome;
      if (step.state == State::need_more) break;
      EXPECT_FALSE(step.data.empty());
    }
    EXPECT_EQ(outcome.consumed, arrived) << "need_more leaves nothing over";
  }
  return outcome;
}

Outcome decode(const std::string& text) {
  const auto ways = testing::arrivals(text);
  const Outcome whole = decode_in_pieces(text, ways.front());
  for (const auto& way : ways) EXPECT_EQ(decode_in_pieces(text, way), whole) << text;
  return whole;
}

TEST(ChunkedDecoder, TakesTheCodingOff) {
  struct Row {
    std::string text;
    std::string body;
    size_t left_over = 0;
  };
  for (const Row& row : {
           Row{"0\r\n\r\n", ""},
           Row{"5\r\nhello\r\n0\r\n\r\n", "hello"},
           Row{"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /", "hello world", 5},
           Row{"1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n"},
           Row{"a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n", "01234567890123456789"},
           Row{"000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
           Row{"5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello"},
           Row{"5;a=b;c;d=\"e\\\"\t;\xff\"\r\nhello\r\n0\r\n\r\n", "hello"},
           Row{"0\r\nX: y\r\nZ:\r\n\r\n", ""},
       }) {
    const Outcome outcome = decode(row.text);
    EXPECT_EQ(outcome.state, State::end) << row.text << outcome.code;
    EXPECT_EQ(outcome.body, row.body) << row.text;
    EXPECT_EQ(outcome.consumed, row.text.size() - row.left_over) << row.text;
  }
}

TEST(ChunkedDecoder, WaitsForMoreAtEveryByte) {
  const std::string text = "5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n";
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(decode_in_pieces(text.substr(0, length), {length}).state, State::need_more) << length;
  }
}

TEST(ChunkedDecoder, Refuses) {
  struct Row {
    std::string text;
    std::string_view code;
  };
  for (const Row& row : {
           Row{"\r\n", "http.bad_chunk_size"},
           Row{";a\r\n", "http.bad_chunk_size"},
           Row{" 5\r\nhello\r\n", "http.bad_chunk_size"},
           Row{"5 \r\nhello\r\n", "http.bad_chunk_size"},
           Row{"5\t\r\nhello\r\n", "http.bad_chunk_size"},
           Row{"5 ;a\r\nhello\r\n", "http.bad_chunk_size"},
           Row{"0x5\r\nhello\r\n", "http.bad_chunk_size"},
           Row{"+5\r\nhello\r\n", "http.bad_chunk_size"},
           Row{"-5\r\nhello\r\n", "http.bad_chunk_size"},
           Row{"5_0\r\n", "http.bad_chunk_size"},
           Row{"g\r\n", "http.bad_chunk_size"},
           Row{"5"s + '\0' + "\r\n", "http.bad_chunk_size"},
           Row{"5\nhello\r\n", "http.bad_chunk_size"},
           Row{"5\rhello\r\n", "http.bad_line_end"},
           Row{"5\r\r\nhello\r\n", "http.bad_line_end"},
           Row{"0000000000000005\r\nhello", "http.chunk_size_too_large"},
           Row{"ffffffffffffffff\r\n", "http.chunk_size_too_large"},
           Row{"5\r\nhello0\r\n", "http.chunk_data_not_ended"},
           Row{"5\r\nhello\n0\r\n", "http.chunk_data_not_ended"},
           Row{"5\r\nhello\r0\r\n", "http.chunk_data_not_ended"},
           Row{"5\r\nhelloworld\r\n", "http.chunk_data_not_ended"},
           Row{"5\r\nhello\r\n\r\n", "http.bad_chunk_size"},
           Row{"5;\r\n", "http.bad_chunk_extension"},
           Row{"5; a\r\n", "http.bad_chunk_extension"},
           Row{"5;a =b\r\n", "http.bad_chunk_extension"},
           Row{"5;a= b\r\n", "http.bad_chunk_extension"},
           Row{"5;a=\r\n", "http.bad_chunk_extension"},
           Row{"5;=b\r\n", "http.bad_chunk_extension"},
           Row{"5;a;\r\n", "http.bad_chunk_extension"},
           Row{"5;a=b=c\r\n", "http.bad_chunk_extension"},
           Row{"5;a=\"b\r\n\"\r\n", "http.bad_chunk_extension"},
           Row{"5;a=\"b\\\r\n\"\r\n", "http.bad_chunk_extension"},
           Row{"5;a=\"b\"c\r\n", "http.bad_chunk_extension"},
           Row{"5;a\nhello", "http.bad_chunk_extension"},
           Row{"5;a\r\rhello", "http.bad_line_end"},
           Row{"5;\xc3\xbc\r\n", "http.bad_chunk_extension"},
           Row{"0\r\n X: y\r\n\r\n", "http.bad_trailer"},
           Row{"0\r\nX: y\r\n z\r\n\r\n", "http.bad_trailer"},
           Row{"0\r\nX : y\r\n\r\n", "http.bad_trailer"},
           Row{"0\r\n: y\r\n\r\n", "http.bad_trailer"},
           Row{"0\r\nX\r\n\r\n", "http.bad_trailer"},
           Row{"0\r\nX: \x01\r\n\r\n", "http.bad_trailer"},
           Row{"0\r\nX: y\n\r\n", "http.bad_trailer"},
           Row{"0\r\nX: y\rz\r\n\r\n", "http.bad_trailer"},
           Row{"0\r\n\n", "http.bad_trailer"},
           Row{"0\r\n\r\r\n", "http.bad_trailer"},
           Row{"0\r\nGET / HTTP/1.1\r\n\r\n", "http.bad_trailer"},
       }) {
    const Outcome outcome = decode(row.text);
    EXPECT_EQ(outcome.state, State::refused) << row.text;
    EXPECT_EQ(outcome.code, row.code) << row.text;
  }
}

TEST(ChunkedDecoder, HoldsItsLimitsToTheByte) {
  // ";" and what follows it, up to the CR, which is counted too.
  const auto extension = [](size_t bytes) {
    return "1;" + std::string(bytes, 'a') + "\r\nx\r\n0\r\n\r\n";
  };
  EXPECT_EQ(decode(extension(ChunkedDecoder::extension_bytes_max - 1)).state, State::end);
  EXPECT_EQ(decode(extension(ChunkedDecoder::extension_bytes_max)).code,
            "http.chunk_extension_too_long");
  const auto trailer = [](size_t bytes) {
    return "0\r\nX:" + std::string(bytes - 6, 'a') + "\r\n\r\n";
  };
  EXPECT_EQ(decode(trailer(ChunkedDecoder::trailer_bytes_max)).state, State::end);
  EXPECT_EQ(decode(trailer(ChunkedDecoder::trailer_bytes_max + 1)).code, "http.trailers_too_large");
  EXPECT_EQ(decode("fffffffffffffff\r\nx").state, State::need_more);
}

TEST(ChunkedDecoder, CountsExtensionsOfEachChunkAnew) {
  const std::string chunk = "1;" + std::string(200, 'a') + "\r\nx\r\n";
  EXPECT_EQ(decode(chunk + chunk + chunk + "0\r\n\r\n").body, "xxx");
}

TEST(ChunkedDecoder, StaysRefusedUntilReset) {
  ChunkedDecoder decoder;
  EXPECT_EQ(decoder.next("x").state, State::refused);
  EXPECT_EQ(decoder.next("0\r\n\r\n").state, State::refused);
  decoder.reset();
  EXPECT_EQ(decoder.next("0\r\n\r\n").state, State::end);
  EXPECT_EQ(decoder.next("more").consumed, 0u) << "nothing behind the end is touched";
}

TEST(ChunkedDecoder, TakesOffWhatTheWriterPutOn) {
  std::string text;
  std::string body;
  for (const size_t size : {1u, 15u, 16u, 17u, 255u, 4096u, 70000u}) {
    append_chunk_header(text, size);
    text += std::string(size, 'x') + std::string(chunk_end);
    body += std::string(size, 'x');
  }
  text += last_chunk;
  const Outcome outcome = decode_in_pieces(text, {text.size()});
  EXPECT_EQ(outcome.state, State::end);
  EXPECT_EQ(outcome.body, body);
}

}  // namespace
}  // namespace countersign::http
