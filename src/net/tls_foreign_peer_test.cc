// Our TLS server against clients that behave as ours never would, played by bare OpenSSL on a
// thread of their own.

#include <csignal>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "net/tls_stream.h"
#include "support/net_pki.h"
#include "support/net_sockets.h"

namespace countersign::net {
namespace {

using testing::NetPki;

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

class TlsForeignPeer : public ::testing::Test {
 protected:
  TlsForeignPeer() {
    ::signal(SIGPIPE, SIG_IGN);  // bare OpenSSL writes to closed sockets
    const TlsIdentity identity = pki_.issue(NetPki::client_spec());
    const auto bio = [](std::string_view text) {
      return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    };
    const Owned<X509> certificate(
        PEM_read_bio_X509(bio(identity.certificate_chain_pem).get(), nullptr, nullptr, nullptr));
    const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(
        bio(identity.private_key_pem.unsafe_reveal_text()).get(), nullptr, nullptr, nullptr));
    SSL_CTX_use_certificate(context_.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
  }

  // Our server's handshake while `client` plays the other end.
  Result<std::unique_ptr<TlsStream>> accept(std::shared_ptr<const TlsServerContext> context,
                                            const std::function<void(SSL*)>& client) {
    auto [ours, theirs] = testing::socket_pair();
    ::fcntl(theirs.get(), F_SETFL, 0);
    std::thread playing([&client, this, fd = theirs.get()] {
      const Owned<SSL> ssl(SSL_new(context_.get()));
      SSL_set_fd(ssl.get(), fd);
      client(ssl.get());
      ERR_clear_error();
    });
    auto stream = loop_->run_until_done(TlsStream::accept(
        testing::make_stream(*loop_, std::move(ours)), std::move(context), BootTime::max()));
    if (stream) {
      loop_->run_until_done(testing::write_bytes(**stream, "hello"));
    }
    playing.join();
    return stream;
  }

  NetPki pki_;
  std::unique_ptr<Loop> loop_ = testing::make_loop();
  Owned<SSL_CTX> context_{SSL_CTX_new(TLS_client_method())};
};

TEST_F(TlsForeignPeer, Tls12IsRefusedByDefault) {
  SSL_CTX_set_max_proto_version(context_.get(), TLS1_2_VERSION);
  int connected = 0;
  const auto stream = accept(pki_.server(), [&](SSL* ssl) { connected = SSL_connect(ssl); });
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, "net.tls_protocol");
  EXPECT_NE(connected, 1);
}

TEST_F(TlsForeignPeer, Tls12IsAcceptedIfAllowedWithForwardSecrecyOnly) {
  auto options = pki_.server_options();
  options.unsafe_allow_tls_1_2 = true;
  const auto context = testing::must(TlsServerContext::create(options));
  SSL_CTX_set_max_proto_version(context_.get(), TLS1_2_VERSION);
  int connected = 0;
  const auto stream = accept(context, [&](SSL* ssl) { connected = SSL_connect(ssl); });
  ASSERT_TRUE(stream) << stream.error().for_log();
  EXPECT_EQ((*stream)->protocol_version(), "TLSv1.2");
  EXPECT_NE((*stream)->peer().certificate, nullptr);
  EXPECT_EQ(connected, 1);
  // CBC with ECDHE is not AEAD.
  SSL_CTX_set_cipher_list(context_.get(), "ECDHE-ECDSA-AES128-SHA256");
  EXPECT_FALSE(accept(context, [&](SSL* ssl) { connected = SSL_connect(ssl); }));
  EXPECT_NE(connected, 1);
}

TEST_F(TlsForeignPeer, NothingIsResumed) {
  SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT);
  for (const bool allow_tls_1_2 : {false, true}) {
    auto options = pki_.server_options();
    options.unsafe_allow_tls_1_2 = allow_tls_1_2;
    const auto server = testing::must(TlsServerContext::create(options));
    SSL_CTX_set_max_proto_version(context_.get(), allow_tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
    Owned<SSL_SESSION> session;
    char hello[5];
    ASSERT_TRUE(accept(server, [&](SSL* ssl) {
      SSL_connect(ssl);
      SSL_read(ssl, hello, sizeof hello);
      session.reset(SSL_get1_session(ssl));
    }));
    ASSERT_NE(session, nullptr);
    EXPECT_EQ(SSL_SESSION_has_ticket(session.get()), 0);
    int reused = -1;
    const auto second = accept(server, [&](SSL* ssl) {
      SSL_set_session(ssl, session.get());
      SSL_connect(ssl);
      reused = SSL_session_reused(ssl);
    });
    ASSERT_TRUE(second) << second.error().for_log();
    EXPECT_NE((*second)->peer().certificate, nullptr);
    EXPECT_EQ(reused, 0);
  }
}

TEST_F(TlsForeignPeer, ProtocolsWithoutHttp11AreRefused) {
  const unsigned char h2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context_.get(), h2, sizeof h2);
  int connected = 0;
  EXPECT_FALSE(accept(pki_.server(), [&](SSL* ssl) { connected = SSL_connect(ssl); }));
  EXPECT_NE(connected, 1);
}

TEST_F(TlsForeignPeer, Http11IsSelectedAmongOthers) {
  const unsigned char both[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context_.get(), both, sizeof both);
  std::string selected;
  EXPECT_TRUE(accept(pki_.server(), [&](SSL* ssl) {
    SSL_connect(ssl);
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    selected.assign(reinterpret_cast<const char*>(name), size);
  }));
  EXPECT_EQ(selected, "http/1.1");
}

// RFC 9113 §3.2, §3.3: "h2" by agreement, and never without.
TEST_F(TlsForeignPeer, Http2IsAgreedOnWithThoseWhoOfferItWhereItIsConfigured) {
  TlsServerContext::Options options;
  options.identity = pki_.issue(NetPki::server_spec());
  options.client_anchors_pem = pki_.anchors();
  options.http2 = true;
  const auto context = TlsServerContext::create(options).value();
  const unsigned char both[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1', 2, 'h', '2'};
  const unsigned char old[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  const unsigned char clear[] = {3, 'h', '2', 'c'};
  const auto connect = [](SSL* ssl) { SSL_connect(ssl); };

  const auto nothing_offered = accept(context, connect);
  ASSERT_TRUE(nothing_offered);
  EXPECT_EQ((*nothing_offered)->peer().protocol, http::AgreedProtocol::http1);
  SSL_CTX_set_alpn_protos(context_.get(), both, sizeof both);
  const auto both_offered = accept(context, connect);
  ASSERT_TRUE(both_offered);
  EXPECT_EQ((*both_offered)->peer().protocol, http::AgreedProtocol::http2);
  SSL_CTX_set_alpn_protos(context_.get(), old, sizeof old);
  const auto old_offered = accept(context, connect);
  ASSERT_TRUE(old_offered);
  EXPECT_EQ((*old_offered)->peer().protocol, http::AgreedProtocol::http1);
  SSL_CTX_set_alpn_protos(context_.get(), clear, sizeof clear);
  EXPECT_FALSE(accept(context, connect));
}

}  // namespace
}  // namespace countersign::net
