#include "http/h2_server_connection.h"

#include <gtest/gtest.h>

#include "http/h2_session.h"
#include "http/memory_stream.h"
#include "support/h2_test_client.h"
#include "support/test_executor.h"

namespace countersign::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeClock;
using testing::RawPeer;
using testing::TestExecutor;

// By path: /echo (length), /chunked, /large, /ignore (body unread), /silent (no answer), /slow
// (answers after 2 s), /short (breaks its promise), /head (what the request looked like).
class EchoService final : public Service {
 public:
  explicit EchoService(Executor& executor) : executor_(executor) {}

  Task<void> serve(Exchange& exchange) override {
    ++running;
    co_await answer(exchange);
    --running;
  }
  int running = 0;
  int requests = 0;
  std::string last_error;

 private:
  Task<void> answer(Exchange& exchange) {
    ++requests;
    const RequestHead& request = exchange.request();
    const std::string path(request.path);
    if (path == "/silent") co_return;
    if (path == "/ignore") {
      co_await respond(exchange, 200, "text/plain", "ignored");
      co_return;
    }
    if (path == "/slow") co_await sleep_for(executor_, seconds(2));
    auto body = co_await collect_body(exchange, 1 << 20);
    if (!body) {
      last_error = body.error().code;
      co_await respond(exchange, 400, "text/plain", body.error().code);
      co_return;
    }
    if (path == "/head") *body = describe(request);
    if (path == "/large") body->assign(300'000, 'x');
    if (path == "/chunked") {
      exchange.begin_response(200, {BodyFraming::Kind::chunked});
      for (const char& c : *body) co_await exchange.send({&c, 1}, false);
      co_await exchange.send({}, true);
      co_return;
    }
    if (path == "/short") {
      exchange.begin_response(200, BodyFraming::of_length(10));
      const auto sent = co_await exchange.send("short", true);
      if (!sent) last_error = sent.error().code;
      co_return;
    }
    const auto sent = co_await respond(exchange, 200, "text/plain", *body);
    if (!sent) last_error = sent.error().code;
  }

  static std::string describe(const RequestHead& request) {
    std::string text(request.method);
    text.append(" ").append(request.path).append("|").append(request.query).append("|");
    text.append(request.authority).append("|");
    for (const Field& field : request.fields)
      text.append(field.name).append("=").append(field.value).append(";");
    return text;
  }

  Executor& executor_;
};

class H2ServerConnectionTest : public ::testing::Test {
 protected:
  void start(size_t slice = SIZE_MAX) {
    limits_.http2 = true;
    MemoryStreamOptions options;
    options.slice_bytes = slice;
    auto [server, client] = make_memory_streams(executor_, options);
    stream_ = std::move(server);
    peer_ = std::make_unique<RawPeer>(std::move(client), executor_);
    client_ = std::make_unique<H2TestClient>(*peer_);
    status_ = {};
    executor_.spawn(serve_connection(*stream_, service_, executor_, limits_, state_, status_));
  }
  void TearDown() override {
    peer_->close();
    executor_.advance(seconds(10));
    EXPECT_EQ(executor_.tasks_running(), 0u);
  }
  H2TestAnswer& ask(const H2TestClient::Fields& fields) {
    const int32_t stream = client_->request(fields);
    client_->exchange();
    return client_->answer(stream);
  }
  H2TestAnswer& ask(const H2TestClient::Fields& fields, std::string_view body) {
    const int32_t stream = client_->request(fields, body);
    client_->exchange();
    return client_->answer(stream);
  }
  void take_back(const H2TestClient::Fields& fields) {
    const int32_t stream = client_->request(fields);
    client_->exchange();
    client_->reset(stream);
    client_->exchange();
  }
  static H2TestClient::Fields get(std::string_view path, const H2TestClient::Fields& more = {}) {
    return H2TestClient::get(path, more);
  }
  static H2TestClient::Fields post(std::string_view path, const H2TestClient::Fields& more = {}) {
    return H2TestClient::post(path, more);
  }
  void pass(std::chrono::nanoseconds time) {
    executor_.advance(time);
    client_->exchange();
  }

  FakeClock clock_;
  ServerLimits limits_;
  ServerState state_;
  ConnectionStatus status_;
  TestExecutor executor_{clock_};
  EchoService service_{executor_};
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<RawPeer> peer_;
  std::unique_ptr<H2TestClient> client_;
};

TEST_F(H2ServerConnectionTest, AnswersManyStreamsOfOneConnectionHoweverTheyAreSliced) {
  for (const size_t slice : {size_t{1}, size_t{7}, size_t{100'000}}) {
    start(slice);
    const int32_t one = client_->request(post("/echo"), "hello");
    const int32_t two = client_->request(get("/ignore"));
    const int32_t three = client_->request(post("/chunked"), "abc");
    client_->exchange();
    EXPECT_EQ(client_->answer(one).status(), "200");
    EXPECT_EQ(client_->answer(one).body, "hello");
    EXPECT_EQ(client_->answer(one).value("content-length"), "5");
    EXPECT_EQ(client_->answer(two).body, "ignored");
    EXPECT_EQ(client_->answer(three).body, "abc");
    for (const int32_t stream : {one, two, three}) {
      EXPECT_TRUE(client_->answer(stream).ended);
      EXPECT_EQ(client_->answer(stream).error, 0u);
    }
    EXPECT_EQ(client_->protocol_errors, 0u);
    peer_->close();
    EXPECT_EQ(executor_.tasks_running(), 0u);
  }
}

TEST_F(H2ServerConnectionTest, TheServiceSeesWhatItSeesOfHttp1) {
  start();
  EXPECT_EQ(ask(get("/head?a=1", {{"x-more", "yes"}})).body, "GET /head|a=1|a|x-more=yes;");
  H2TestClient::Fields by_host = get("/head", {{"host", "b.example:8080"}});
  by_host.erase(by_host.begin() + 2);
  EXPECT_EQ(ask(by_host).body, "GET /head||b.example:8080|host=b.example:8080;");
  EXPECT_EQ(ask(get("/head", {{"host", "A"}})).body, "GET /head||a|host=A;");
}

TEST_F(H2ServerConnectionTest, WhatHttp1RefusesIsRefused) {
  start();
  H2TestClient::Fields connect = get("/x");
  connect[0].second = "CONNECT";
  connect.erase(connect.begin() + 1);
  connect.erase(connect.end() - 1);
  EXPECT_EQ(ask(connect).status(), "501");
  EXPECT_NE(ask(get("/a b")).status(), "200");
  EXPECT_EQ(ask(get("/%zz")).status(), "400");
  EXPECT_EQ(ask(get("/echo", {{"host", "other"}})).status(), "400");
  EXPECT_EQ(ask(get("/echo", {{"expect", "miracles"}})).status(), "417");
  H2TestClient::Fields no_host = get("/echo");
  no_host.erase(no_host.begin() + 2);
  EXPECT_NE(ask(no_host).status(), "200");
  EXPECT_EQ(service_.requests, 0);
  EXPECT_EQ(ask(get("/ignore")).status(), "200");
}

// RFC 9113 §8.1.1, §8.2, §8.3.
TEST_F(H2ServerConnectionTest, MalformedRequestsEndTheirStreamAlone) {
  start();
  H2TestClient::Fields late_pseudo = get("/echo");
  late_pseudo.insert(late_pseudo.begin(), {"x-first", "1"});
  H2TestClient::Fields twice = get("/echo");
  twice.insert(twice.begin(), {":method", "POST"});
  for (const H2TestClient::Fields& fields :
       {get("/echo", {{"connection", "close"}}), get("/echo", {{"transfer-encoding", "chunked"}}),
        get("/echo", {{"upgrade", "h2c"}}), get("/echo", {{"te", "gzip"}}),
        get("/echo", {{"x-split", "a\r\nb"}}), get("/echo", {{"x name", "1"}}),
        get("/echo", {{"content-length", "5"}}), get("/echo", {{":protocol", "websocket"}}),
        late_pseudo, twice}) {
    const H2TestAnswer& answer = ask(fields);
    EXPECT_TRUE(answer.closed) << fields.back().first;
    EXPECT_NE(answer.error, 0u) << fields.back().first;
    EXPECT_EQ(answer.status(), "") << fields.back().first;
  }
  EXPECT_EQ(service_.requests, 0);
  EXPECT_EQ(ask(get("/ignore")).status(), "200");
}

TEST_F(H2ServerConnectionTest, ABodyThatIsNotAsLongAsAnnouncedIsNone) {
  start();
  for (const std::string_view length : {"4", "6"}) {
    const H2TestAnswer& answer =
        ask(post("/echo", {{"content-length", std::string(length)}}), "hello");
    EXPECT_NE(answer.error, 0u) << length;
    EXPECT_NE(answer.status(), "200") << length;
  }
  EXPECT_EQ(ask(post("/echo", {{"content-length", "5"}}), "hello").body, "hello");
}

TEST_F(H2ServerConnectionTest, LargeBodiesFlowBothWaysWithinTheWindows) {
  start();
  const std::string body(700'000, 'b');
  EXPECT_EQ(ask(post("/echo"), body).body, body);
  EXPECT_EQ(ask(get("/large")).body.size(), 300'000u);
}

TEST_F(H2ServerConnectionTest, AWindowIsGrantedOnlyAsTheBodyIsConsumed) {
  start();
  const int32_t stream = client_->request(post("/slow"), std::string(700'000, 'b'));
  client_->exchange();
  // The first window is the protocol's 65,535 until our settings are acknowledged.
  EXPECT_EQ(nghttp2_session_get_stream_remote_window_size(client_->session(), stream), 0);
  EXPECT_EQ(ask(get("/ignore")).status(), "200") << "other streams go on";
  pass(seconds(3));
  EXPECT_EQ(client_->answer(stream).body.size(), 700'000u);
}

TEST_F(H2ServerConnectionTest, AnAnswerBeforeTheBodysEndStopsTheSender) {
  start();
  const int32_t stream = client_->request(post("/ignore"), std::string(500'000, 'b'));
  client_->exchange();
  EXPECT_EQ(client_->answer(stream).body, "ignored");
  EXPECT_TRUE(client_->answer(stream).closed);
  EXPECT_EQ(ask(post("/echo"), std::string(200'000, 'c')).body.size(), 200'000u);
}

TEST_F(H2ServerConnectionTest, BodiesAndHeadsAreBounded) {
  limits_.body_bytes_max = 1000;
  limits_.head.head_bytes_max = 2048;
  limits_.head.fields_max = 20;
  start();
  EXPECT_EQ(ask(post("/echo"), std::string(1000, 'x')).status(), "200");
  EXPECT_EQ(ask(post("/echo"), std::string(1001, 'x')).status(), "400");
  EXPECT_EQ(service_.last_error, "http.client_body_too_large");
  EXPECT_EQ(ask(get("/ignore", {{"x", std::string(4000, 'x')}})).status(), "431");
  H2TestClient::Fields many;
  for (int i = 0; i < 30; ++i) many.emplace_back("x" + std::to_string(i), "");
  EXPECT_EQ(ask(get("/ignore", many)).status(), "431");
  EXPECT_EQ(ask(get("/ignore")).status(), "200");
}

TEST_F(H2ServerConnectionTest, SaysContinueWhenTheBodyIsWanted) {
  start();
  const H2TestAnswer& wanted = ask(post("/echo", {{"expect", "100-continue"}}), "late");
  EXPECT_EQ(wanted.body, "late");
  const int32_t open = client_->request(post("/echo", {{"expect", "100-continue"}}), "", true);
  client_->exchange();
  EXPECT_EQ(client_->answer(open).interim, 1);
}

TEST_F(H2ServerConnectionTest, HeadHasALengthAndNoBody) {
  start();
  H2TestClient::Fields head = get("/ignore");
  head[0].second = "HEAD";
  const H2TestAnswer& answer = ask(head);
  EXPECT_EQ(answer.value("content-length"), "7");
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(answer.ended);
}

TEST_F(H2ServerConnectionTest, AnAnswerThatBreaksOffIsSeenToBeIncomplete) {
  start();
  for (const std::string_view path : {"/silent", "/short"}) {
    const H2TestAnswer& answer = ask(get(path));
    EXPECT_TRUE(answer.closed) << path;
    EXPECT_FALSE(answer.ended) << path;
    EXPECT_EQ(answer.error, static_cast<uint32_t>(H2Error::internal_error)) << path;
  }
  EXPECT_EQ(service_.last_error, "http.wrong_body_length");
}

TEST_F(H2ServerConnectionTest, TrailersAreDropped) {
  start();
  const int32_t stream = client_->request(post("/head"), "x", true);
  client_->exchange();
  client_->trailers(stream, {{"x-trailer", "1"}});
  nghttp2_session_resume_data(client_->session(), stream);
  client_->exchange();
  EXPECT_EQ(client_->answer(stream).body.find("x-trailer"), std::string::npos);
  EXPECT_EQ(ask(get("/ignore")).status(), "200");
}

TEST_F(H2ServerConnectionTest, NoMoreStreamsThanSaid) {
  limits_.http2_streams_max = 4;
  start();
  client_->exchange();
  std::vector<int32_t> streams;
  for (int i = 0; i < 10; ++i) streams.push_back(client_->request(get("/slow")));
  client_->exchange();
  EXPECT_LE(service_.running, 4);
  for (int i = 0; i < 4; ++i) pass(seconds(2));
  for (const int32_t stream : streams) EXPECT_EQ(client_->answer(stream).status(), "200");
}

// CVE-2023-44487.
TEST_F(H2ServerConnectionTest, StreamsTakenBackAsFastAsTheyOpenEndTheConnection) {
  start();
  client_->exchange();
  for (int i = 0; i < 1000 && client_->goaways == 0; ++i) {
    take_back(get("/slow"));
    EXPECT_LE(service_.running, 2 * 128);
  }
  EXPECT_EQ(client_->goaways, 1u);
  EXPECT_EQ(client_->goaway_error, static_cast<uint32_t>(H2Error::enhance_your_calm));
  pass(seconds(3));
  EXPECT_EQ(service_.running, 0);
  EXPECT_TRUE(peer_->ended());
}

TEST_F(H2ServerConnectionTest, ACallTakenBackNowAndThenIsNoAttack) {
  start();
  for (int i = 0; i < 1000; ++i) {
    take_back(get("/slow"));
    pass(milliseconds(500));
  }
  EXPECT_EQ(client_->goaways, 0u);
  EXPECT_EQ(ask(get("/ignore")).status(), "200");
}

TEST_F(H2ServerConnectionTest, AFloodOfPingsEndsTheConnection) {
  start();
  for (int i = 0; i < 3000 && client_->goaways == 0; ++i) {
    client_->ping();
    client_->exchange();
  }
  EXPECT_EQ(client_->goaways, 1u);
  EXPECT_EQ(client_->goaway_error, static_cast<uint32_t>(H2Error::enhance_your_calm));
  EXPECT_TRUE(peer_->ended());
}

TEST_F(H2ServerConnectionTest, AnEndlessHeadEndsTheConnection) {
  start();
  client_->exchange();
  // HEADERS without END_HEADERS, then CONTINUATION frames that say nothing.
  peer_->write(std::string("\0\0\1\1\0\0\0\0\1\x82", 10));
  for (int i = 0; i < 100; ++i) peer_->write(std::string("\0\0\0\x9\0\0\0\0\1", 9));
  EXPECT_TRUE(peer_->ended());
  EXPECT_EQ(service_.requests, 0);
}

TEST_F(H2ServerConnectionTest, AHeadThatDoesNotEndInTimeEndsTheConnection) {
  start();
  client_->exchange();
  peer_->write(std::string("\0\0\1\1\0\0\0\0\1\x82", 10));
  pass(limits_.head_timeout - seconds(1));
  EXPECT_FALSE(peer_->ended());
  pass(seconds(2));
  EXPECT_TRUE(peer_->ended());
}

TEST_F(H2ServerConnectionTest, ABodyThatDoesNotComeInTimeIsGivenUp) {
  start();
  const int32_t stream = client_->request(post("/echo"), "x", true);
  client_->exchange();
  pass(limits_.body_timeout + seconds(1));
  EXPECT_EQ(service_.last_error, "http.client_timeout");
  EXPECT_EQ(client_->answer(stream).status(), "400");
}

TEST_F(H2ServerConnectionTest, AnIdleConnectionEndsWithAGoodbye) {
  start();
  EXPECT_EQ(ask(get("/ignore")).status(), "200");
  pass(limits_.idle_timeout - seconds(1));
  EXPECT_EQ(client_->goaways, 0u);
  pass(seconds(2));
  EXPECT_EQ(client_->goaways, 1u);
  EXPECT_EQ(client_->goaway_error, 0u);
  EXPECT_TRUE(peer_->ended());
  EXPECT_EQ(executor_.tasks_running(), 0u);
}

TEST_F(H2ServerConnectionTest, ADrainFinishesWhatIsUnderWayAndSaysGoodbye) {
  start();
  const int32_t slow = client_->request(get("/slow"));
  client_->exchange();
  ASSERT_NE(status_.on_drain, nullptr);
  status_.on_drain->begin_drain();
  client_->exchange();
  EXPECT_EQ(client_->goaways, 1u);
  EXPECT_FALSE(peer_->ended());
  pass(seconds(3));
  EXPECT_EQ(client_->answer(slow).status(), "200");
  EXPECT_TRUE(peer_->ended());
  EXPECT_EQ(status_.on_drain, nullptr);
}

TEST_F(H2ServerConnectionTest, APeerThatIsGoneEndsTheCallsInTheirOwnTime) {
  start();
  client_->request(get("/slow"));
  client_->exchange();
  EXPECT_EQ(service_.running, 1);
  peer_->close();
  EXPECT_EQ(service_.running, 1);
  executor_.advance(seconds(3));
  EXPECT_EQ(service_.running, 0);
  EXPECT_EQ(service_.last_error, "http.client_lost");
  EXPECT_EQ(executor_.tasks_running(), 0u);
}

TEST_F(H2ServerConnectionTest, WithoutTheOptionThePrefaceIsABadRequest) {
  start();
  limits_.http2 = false;
  peer_->write(h2_preface);
  EXPECT_TRUE(peer_->read().starts_with("HTTP/1.1 505 "));
}

TEST_F(H2ServerConnectionTest, Http1GoesOnAsBefore) {
  for (const std::string_view request :
       {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok",
        "PRI /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok",
        "POST /echo HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
        "Content-Length: 2\r\n\r\nok"}) {
    start();
    for (const char& c : request) peer_->write({&c, 1});
    const std::string answer = peer_->read();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nok")) << answer;
    peer_->close();
  }
}

TEST(H2Preface, IsToldFromEveryOtherBeginning) {
  for (size_t bytes = 0; bytes < h2_preface.size(); ++bytes)
    EXPECT_EQ(match_h2_preface(h2_preface.substr(0, bytes)), PrefaceMatch::maybe);
  EXPECT_EQ(match_h2_preface(h2_preface), PrefaceMatch::yes);
  EXPECT_EQ(match_h2_preface(std::string(h2_preface) + "more"), PrefaceMatch::yes);
  for (const std::string_view other :
       {"GET / HTTP/1.1", "POST", "PRI * HTTP/1.1", "PRI * HTTP/2.0\r\n\r\nSX"})
    EXPECT_EQ(match_h2_preface(other), PrefaceMatch::no) << other;
}

}  // namespace
}  // namespace countersign::http
