#include "net/tls_stream.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "support/net_pki.h"
#include "support/net_sockets.h"

namespace countersign::net {
namespace {

using crypto::CertificatePurpose;
using http::IoStatus;
using std::chrono::milliseconds;
using testing::make_loop;
using testing::NetPki;

using Secured = Result<std::unique_ptr<TlsStream>>;

class TlsStreamTest : public ::testing::Test {
 protected:
  ~TlsStreamTest() override { loop_->cancel_tasks(); }  // before the streams they wait for

  // Both sides' handshakes over a socket pair, to their ends.
  void shake_hands(std::shared_ptr<const TlsServerContext> server_context,
                   std::shared_ptr<const TlsClientContext> client_context) {
    auto [a, b] = testing::socket_pair();
    auto accepting = TlsStream::accept(testing::make_stream(*loop_, std::move(a)),
                                       std::move(server_context), BootTime::max());
    auto connecting = TlsStream::connect(testing::make_stream(*loop_, std::move(b)),
                                         std::move(client_context), BootTime::max());
    accepting.start();
    connecting.start();
    // A side that has failed closes its connection, as its owner would.
    testing::turn_until(*loop_, [&] {
      take(accepting, server_);
      take(connecting, client_);
      return server_ && client_;
    });
  }
  void shake_hands_with(const TlsServerContext::Options& server,
                        const TlsClientContext::Options& client) {
    shake_hands(testing::must(TlsServerContext::create(server)),
                testing::must(TlsClientContext::create(client)));
  }
  // Both sides accept each other's default credentials.
  void establish() {
    shake_hands(pki_.server(), pki_.client());
    if (!*server_) panic((*server_).error().for_log());
    if (!*client_) panic((*client_).error().for_log());
  }
  TlsStream& server() { return ***server_; }
  TlsStream& client() { return ***client_; }
  // The server refused the client, which learns it at the latest by reading.
  void expect_client_refused(std::string_view why) {
    ASSERT_FALSE(*server_);
    EXPECT_EQ(server_->error().code, "net.tls_peer_refused");
    EXPECT_NE(server_->error().for_log().find(why), std::string::npos)
        << server_->error().for_log();
    if (!*client_) {
      EXPECT_EQ(client_->error().code, "net.tls_alert");
      return;
    }
    EXPECT_EQ(loop_->run_until_done(testing::read_to_end(client())), IoStatus::failed);
    EXPECT_EQ(client().failure().code, "net.tls_alert") << client().failure().for_log();
  }
  void expect_server_refused(std::string_view why) {
    ASSERT_FALSE(*client_);
    EXPECT_EQ(client_->error().code, "net.tls_peer_refused");
    EXPECT_NE(client_->error().for_log().find(why), std::string::npos)
        << client_->error().for_log();
    ASSERT_FALSE(*server_);
    EXPECT_EQ(server_->error().code, "net.tls_alert") << server_->error().for_log();
  }

  std::unique_ptr<Loop> loop_ = make_loop();
  NetPki pki_;
  std::optional<Secured> server_, client_;

 private:
  static void take(Task<Secured>& task, std::optional<Secured>& into) {
    if (!into && task.done()) into.emplace(task.take_result());
  }
};

TEST_F(TlsStreamTest, BothSidesAreVerifiedAndBytesPassBothWays) {
  establish();
  EXPECT_EQ(server().protocol_version(), "TLSv1.3");
  ASSERT_NE(server().peer().certificate, nullptr);
  EXPECT_EQ(server().peer().certificate->certificate().subject, "CN=backend");
  EXPECT_EQ(server().peer().certificate->role(), crypto::PeerRole::client);
  ASSERT_NE(client().peer().certificate, nullptr);
  EXPECT_EQ(client().peer().certificate->certificate().subject, "CN=gateway");
  ASSERT_TRUE(loop_->run_until_done(testing::write_bytes(client(), "question")));
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(server(), 8)), "question");
  ASSERT_TRUE(loop_->run_until_done(testing::write_bytes(server(), "answer")));
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(client(), 6)), "answer");
}

TEST_F(TlsStreamTest, ALargeBodyPassesWhole) {
  establish();
  std::string all;
  for (int i = 0; all.size() < 3'000'000; ++i) all += std::to_string(i);
  bool written = false;
  loop_->spawn([](http::ByteStream& to, std::string bytes, bool& done) -> Task<void> {
    done = co_await testing::write_bytes(to, std::move(bytes));
  }(client(), all, written));
  EXPECT_TRUE(loop_->run_until_done(testing::read_bytes(server(), all.size())) == all);
  EXPECT_TRUE(written);
}

TEST_F(TlsStreamTest, APeerThatNeverReadsStopsTheWriter) {
  establish();
  const std::string piece(16 * 1024, 'x');
  size_t taken = 0;
  for (int turns = 0; turns < 2000; ++turns) {
    taken += client().try_write(piece).bytes;
    loop_->turn(false);
  }
  EXPECT_EQ(client().try_write(piece).status, IoStatus::again);
  EXPECT_LT(taken, 16u * 1024 * 1024);
}

TEST_F(TlsStreamTest, AClientWithoutCertificateIsRefused) {
  auto options = pki_.client_options();
  options.identity.reset();
  shake_hands_with(pki_.server_options(), options);
  expect_client_refused("certificate");
}

TEST_F(TlsStreamTest, AClientOfAnotherAuthorityIsRefused) {
  NetPki other("Other CA");
  auto options = pki_.client_options();
  options.identity = other.issue(NetPki::client_spec());
  shake_hands_with(pki_.server_options(), options);
  expect_client_refused("CN=backend");
}

TEST_F(TlsStreamTest, AServersCertificateIsNoClientsCertificate) {
  auto options = pki_.client_options();
  options.identity = pki_.issue(NetPki::server_spec());
  shake_hands_with(pki_.server_options(), options);
  expect_client_refused("purpose");
}

TEST_F(TlsStreamTest, AnExpiredClientIsRefused) {
  auto spec = NetPki::client_spec();
  spec.not_after = SystemClock().wall_now() - std::chrono::seconds(1);
  auto options = pki_.client_options();
  options.identity = pki_.issue(spec);
  shake_hands_with(pki_.server_options(), options);
  expect_client_refused("expired");
}

TEST_F(TlsStreamTest, AClientCertificateOfACaIsRefused) {
  auto spec = NetPki::client_spec();
  spec.unsafe_flaws.ca_true = true;
  auto options = pki_.client_options();
  options.identity = pki_.issue(spec);
  shake_hands_with(pki_.server_options(), options);
  expect_client_refused("peer_is_ca");
}

TEST_F(TlsStreamTest, AServerOfAnotherAuthorityIsRefused) {
  NetPki other("Other CA");
  auto options = pki_.server_options();
  options.identity = other.issue(NetPki::server_spec());
  shake_hands_with(options, pki_.client_options());
  expect_server_refused("CN=gateway");
}

TEST_F(TlsStreamTest, AServerWithAnotherNameIsRefused) {
  auto options = pki_.client_options();
  options.server_name = "other.test";
  shake_hands_with(pki_.server_options(), options);
  expect_server_refused("peer_wrong_name");
}

TEST_F(TlsStreamTest, AServerIsKnownByItsAddressToo) {
  auto options = pki_.client_options();
  options.server_name = "127.0.0.1";
  shake_hands_with(pki_.server_options(), options);
  ASSERT_TRUE(*client_) << client_->error().for_log();
  // RFC 6066 §3: no literal address in SNI.
  EXPECT_EQ(SSL_get_servername(server().native(), TLSEXT_NAMETYPE_host_name), nullptr);
}

TEST_F(TlsStreamTest, AnotherAddressIsRefused) {
  auto options = pki_.client_options();
  options.server_name = "127.0.0.2";
  shake_hands_with(pki_.server_options(), options);
  expect_server_refused("peer_wrong_name");
}

TEST_F(TlsStreamTest, TheServersNameIsSentAsSni) {
  establish();
  EXPECT_STREQ(SSL_get_servername(server().native(), TLSEXT_NAMETYPE_host_name), "gateway.test");
}

TEST_F(TlsStreamTest, ACommonNameIsNotAName) {
  auto spec = NetPki::server_spec();
  spec.common_name = "gateway.test";
  spec.unsafe_flaws.no_subject_alt_name = true;
  auto options = pki_.server_options();
  options.identity = pki_.issue(spec);
  shake_hands_with(options, pki_.client_options());
  expect_server_refused("peer_no_name");
}

TEST_F(TlsStreamTest, AServerWithoutExtendedKeyUsageIsRefused) {
  auto spec = NetPki::server_spec();
  spec.purposes.clear();
  auto options = pki_.server_options();
  options.identity = pki_.issue(spec);
  shake_hands_with(options, pki_.client_options());
  expect_server_refused("peer_purpose");
}

TEST_F(TlsStreamTest, AClientsCertificateIsNoServersCertificate) {
  auto spec = NetPki::server_spec();
  spec.purposes = {CertificatePurpose::client_auth};
  auto options = pki_.server_options();
  options.identity = pki_.issue(spec);
  shake_hands_with(options, pki_.client_options());
  expect_server_refused("purpose");
}

TEST_F(TlsStreamTest, AServerCertificateOfACaIsRefused) {
  auto spec = NetPki::server_spec();
  spec.unsafe_flaws.ca_true = true;
  auto options = pki_.server_options();
  options.identity = pki_.issue(spec);
  shake_hands_with(options, pki_.client_options());
  expect_server_refused("peer_is_ca");
}

TEST_F(TlsStreamTest, AnExpiredServerIsRefused) {
  auto spec = NetPki::server_spec();
  spec.not_after = SystemClock().wall_now() - std::chrono::seconds(1);
  auto options = pki_.server_options();
  options.identity = pki_.issue(spec);
  shake_hands_with(options, pki_.client_options());
  expect_server_refused("expired");
}

TEST_F(TlsStreamTest, APinnedKeyIsAcceptedAndAnotherIsNot) {
  const auto server_options = pki_.server_options();
  const auto certificate =
      testing::must(crypto::parse_certificate_pem(server_options.identity.certificate_chain_pem));
  auto options = pki_.client_options();
  options.spki_pins = {crypto::Sha256Digest{}, certificate.spki_sha256};
  shake_hands_with(server_options, options);
  ASSERT_TRUE(*client_) << client_->error().for_log();
  client_.reset();
  server_.reset();
  options.spki_pins = {crypto::Sha256Digest{}};
  shake_hands_with(server_options, options);
  expect_server_refused("peer_not_pinned");
}

TEST_F(TlsStreamTest, ClientCertificatesAreOptionalOnlyIfNoneIsAskedFor) {
  auto server_options = pki_.server_options();
  server_options.client_certificates = ClientCertificates::none;
  server_options.client_anchors_pem.clear();
  shake_hands_with(server_options, pki_.client_options());
  ASSERT_TRUE(*server_) << server_->error().for_log();
  EXPECT_EQ(server().peer().certificate, nullptr);
}

TEST_F(TlsStreamTest, ServersThatAllowTls12StillPrefer13) {
  auto server_options = pki_.server_options();
  server_options.unsafe_allow_tls_1_2 = true;
  shake_hands_with(server_options, pki_.client_options());
  EXPECT_EQ(server().protocol_version(), "TLSv1.3");
}

TEST_F(TlsStreamTest, CloseNotifyIsAnEnd) {
  establish();
  ASSERT_TRUE(loop_->run_until_done(testing::write_bytes(client(), "bye")));
  client().shutdown_write();
  client().close();
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(server(), 3)), "bye");
  EXPECT_EQ(loop_->run_until_done(testing::read_to_end(server())), IoStatus::end);
}

TEST_F(TlsStreamTest, AnEndWithoutCloseNotifyIsAFailure) {
  establish();
  ASSERT_TRUE(loop_->run_until_done(testing::write_bytes(client(), "truncated")));
  client().close();
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(server(), 9)), "truncated");
  EXPECT_EQ(loop_->run_until_done(testing::read_to_end(server())), IoStatus::failed);
  EXPECT_EQ(server().failure().code, "net.tls_closed");
  EXPECT_EQ(server().try_write("x").status, IoStatus::failed);
}

TEST_F(TlsStreamTest, IsStaleOnceThePeerSentOrClosed) {
  establish();
  loop_->turn(false);
  EXPECT_FALSE(client().stale());
  ASSERT_TRUE(loop_->run_until_done(testing::write_bytes(server(), "unasked")));
  testing::turn_until(*loop_, [&] { return client().stale(); });
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(client(), 7)), "unasked");
  EXPECT_FALSE(client().stale());
  server().shutdown_write();
  testing::turn_until(*loop_, [&] { return client().stale(); });
}

TEST_F(TlsStreamTest, WhatOpenSslHoldsWakesTheNextReader) {
  establish();
  ASSERT_TRUE(loop_->run_until_done(testing::write_bytes(client(), "two pieces")));
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(server(), 3)), "two");
  // The socket has nothing more to report, the record has.
  bool woken = false;
  loop_->spawn([](http::ByteStream& stream, bool& done) -> Task<void> {
    done = co_await http::readable(stream) == http::WakeReason::ready;
  }(server(), woken));
  testing::turn_until(*loop_, [&] { return woken; });
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(server(), 7)), " pieces");
}

TEST_F(TlsStreamTest, KeyUpdatesOfAPeerAreFollowed) {
  establish();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(SSL_key_update(client().native(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_TRUE(loop_->run_until_done(testing::write_bytes(client(), "question")));
    ASSERT_EQ(loop_->run_until_done(testing::read_bytes(server(), 8)), "question")
        << server().failure().for_log();
    ASSERT_TRUE(loop_->run_until_done(testing::write_bytes(server(), "answer")));
    EXPECT_EQ(loop_->run_until_done(testing::read_bytes(client(), 6)), "answer");
  }
}

TEST_F(TlsStreamTest, AFloodOfKeyUpdatesEndsTheConnection) {
  establish();
  bool ended = false;
  loop_->spawn([](http::ByteStream& stream, bool& done) -> Task<void> {
    done = co_await testing::read_to_end(stream) == IoStatus::failed;
  }(server(), ended));
  for (int i = 0; i < 1000 && !ended; ++i) {
    SSL_key_update(client().native(), SSL_KEY_UPDATE_NOT_REQUESTED);
    SSL_do_handshake(client().native());
    loop_->turn(false);
  }
  EXPECT_TRUE(ended);
  EXPECT_EQ(server().failure().code, "net.tls_flood");
}

TEST_F(TlsStreamTest, NoSessionTicketIsSent) {
  establish();
  ASSERT_TRUE(loop_->run_until_done(testing::write_bytes(server(), "answer")));
  EXPECT_EQ(loop_->run_until_done(testing::read_bytes(client(), 6)), "answer");
  const SSL_SESSION* session = SSL_get0_session(client().native());
  EXPECT_EQ(SSL_SESSION_has_ticket(session), 0);
  EXPECT_EQ(SSL_SESSION_is_resumable(session), 0);
}

TEST_F(TlsStreamTest, GarbageInsteadOfAHandshakeIsRefused) {
  for (const std::string_view garbage : {std::string_view("GET / HTTP/1.1\r\n\r\n"),
                                         std::string_view("\x16\x03\x01\x00\x05xxxxx", 10),
                                         std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0", 12)}) {
    auto [a, b] = testing::socket_pair();
    ASSERT_GT(::send(b.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL), 0);
    const auto stream = loop_->run_until_done(TlsStream::accept(
        testing::make_stream(*loop_, std::move(a)), pki_.server(), BootTime::max()));
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().code, "net.tls_protocol") << stream.error().for_log();
  }
}

TEST_F(TlsStreamTest, AStalledHandshakeTimesOut) {
  auto [a, b] = testing::socket_pair();
  const auto stream = loop_->run_until_done(TlsStream::accept(
      testing::make_stream(*loop_, std::move(a)), pki_.server(), loop_->now() + milliseconds(1)));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, "net.tls_timeout");
}

TEST_F(TlsStreamTest, APeerThatLeavesEndsTheHandshake) {
  auto [a, b] = testing::socket_pair();
  b.reset();
  const auto stream = loop_->run_until_done(TlsStream::accept(
      testing::make_stream(*loop_, std::move(a)), pki_.server(), BootTime::max()));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, "net.tls_closed");
}

TEST_F(TlsStreamTest, AHandshakeMayBeGivenUp) {
  auto [a, b] = testing::socket_pair();
  auto accepting =
      TlsStream::accept(testing::make_stream(*loop_, std::move(a)), pki_.server(), BootTime::max());
  accepting.start();
  EXPECT_FALSE(accepting.done());
  accepting = {};
  ASSERT_EQ(::send(b.get(), "x", 1, MSG_NOSIGNAL), -1);
  loop_->turn(false);
}

TEST(TlsContext, RefusesWhatCannotWork) {
  NetPki pki, other("Other CA");
  auto options = pki.server_options();
  options.identity.private_key_pem = other.issue(NetPki::server_spec()).private_key_pem;
  EXPECT_EQ(TlsServerContext::create(options).error().code, "net.tls_key_mismatch");
  options = pki.server_options();
  options.identity.private_key_pem = Secret::copy_of("no key");
  EXPECT_EQ(TlsServerContext::create(options).error().code, "net.tls_bad_key");
  options = pki.server_options();
  options.identity.certificate_chain_pem = "";
  EXPECT_EQ(TlsServerContext::create(options).error().code, "net.tls_bad_certificate");
  options = pki.server_options();
  options.client_anchors_pem = "";
  EXPECT_EQ(TlsServerContext::create(options).error().code, "net.tls_bad_anchors");
  auto client = pki.client_options();
  client.server_anchors_pem = "";
  EXPECT_EQ(TlsClientContext::create(client).error().code, "net.tls_bad_anchors");
  client = pki.client_options();
  client.server_name = "";
  EXPECT_EQ(TlsClientContext::create(client).error().code, "net.tls_bad_server_name");
}

}  // namespace
}  // namespace countersign::net
