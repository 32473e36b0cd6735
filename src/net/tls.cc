#include "net/tls.h"

#include <array>
#include <span>

#include <openssl/ssl.h>

#include "core/ip_address.h"
#include "crypto/certificate.h"
#include "crypto/trust_store.h"
#include "net/tls_session.h"

namespace countersign::net {
namespace {

using Context = std::unique_ptr<SSL_CTX, FreeTlsContext>;

// RFC 7301 §3.1: length, then name.
constexpr std::array<unsigned char, 9> http_1_1 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

constexpr std::array<unsigned char, 12> http_2_or_1_1 = {2,   'h', '2', 8,   'h', 't',
                                                         't', 'p', '/', '1', '.', '1'};

// A client that offers protocols must offer one of ours; one that offers none is taken to speak
// HTTP/1.1. `http2` is null, or not: then ours is HTTP/2 first.
int select_protocol(SSL* /*ssl*/, const unsigned char** selected, unsigned char* selected_size,
                    const unsigned char* offered, unsigned int offered_size, void* http2) {
  const std::span<const unsigned char> ours =
      http2 ? std::span<const unsigned char>(http_2_or_1_1) : http_1_1;
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, selected_size, ours.data(),
                            static_cast<unsigned int>(ours.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *selected = found;
  return SSL_TLSEXT_ERR_OK;
}

Error internal_error(std::string_view what) {
  ERR_clear_error();
  return make_error(ErrorKind::internal, "net.tls_context_failed", "TLS cannot be set up", what);
}

Result<Context> make_context(const SSL_METHOD* method, bool allow_tls_1_2) {
  Context context(SSL_CTX_new(method));
  if (!context) return fail(internal_error("SSL_CTX_new"));
  SSL_CTX* native = context.get();
  const bool set =
      SSL_CTX_set_min_proto_version(native, allow_tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) &&
      SSL_CTX_set_max_proto_version(native, TLS1_3_VERSION) &&
      SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20") &&
      SSL_CTX_set1_groups_list(native, "X25519:P-256:P-384") &&
      // Each connection shows its certificate: nothing is resumed, so no ticket is sent either.
      SSL_CTX_set_num_tickets(native, 0);
  if (!set) return fail(internal_error("SSL_CTX options"));
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(native, 0);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_security_level(native, 2);
  SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_max_cert_list(native, 64 * 1024);  // of the peer's chain: ours have a few KiB
  SSL_CTX_set_read_ahead(native, 1);             // a whole record, or several, in one read
  SSL_CTX_set_info_callback(native, count_handshake_steps);
  return context;
}

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

Result<void> use_identity(SSL_CTX* context, const TlsIdentity& identity) {
  const auto chain = crypto::parse_certificates_pem(identity.certificate_chain_pem);
  if (!chain) {
    return fail(ErrorKind::misconfigured, "net.tls_bad_certificate",
                "the certificate chain cannot be used", chain.error().for_log());
  }
  for (size_t i = 0; i < chain->size(); ++i) {
    const crypto::Certificate& one = (*chain)[i];
    const unsigned char* der = one.der.data();
    const std::unique_ptr<X509, FreeX509> native(
        d2i_X509(nullptr, &der, static_cast<long>(one.der.size())));
    if (!native) return fail(internal_error("d2i_X509"));
    const long used = i == 0 ? SSL_CTX_use_certificate(context, native.get())
                             : SSL_CTX_add1_chain_cert(context, native.get());
    if (used != 1) {
      ERR_clear_error();
      return fail(ErrorKind::misconfigured, "net.tls_bad_certificate",
                  "the certificate chain cannot be used", one.subject);
    }
  }
  const auto key = crypto::parse_tls_key(identity.private_key_pem);
  if (!key) {
    return fail(ErrorKind::misconfigured, "net.tls_bad_key", "the private key cannot be used",
                key.error().for_log());
  }
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return fail(ErrorKind::misconfigured, "net.tls_key_mismatch",
                "the private key does not belong to the certificate", chain->front().subject);
  }
  return {};
}

Result<void> require_peer_certificate(SSL_CTX* context, const std::string& anchors_pem) {
  const auto anchors = crypto::TrustStore::from_pem(anchors_pem);
  if (!anchors) {
    return fail(ErrorKind::misconfigured, "net.tls_bad_anchors", "the trust anchors cannot be used",
                anchors.error().for_log());
  }
  SSL_CTX_set1_cert_store(context, anchors->native());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, check_peer_certificate, nullptr);
  return {};
}

}  // namespace

void FreeTlsContext::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::create(const Options& options) {
  CS_TRY(Context context, make_context(TLS_server_method(), options.unsafe_allow_tls_1_2));
  CS_CHECK(use_identity(context.get(), options.identity));
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol,
                             options.http2 ? context.get() : nullptr);
  std::shared_ptr<TlsServerContext> made(new TlsServerContext);
  if (options.client_certificates == ClientCertificates::required) {
    CS_CHECK(require_peer_certificate(context.get(), options.client_anchors_pem));
    made->peer_rules_ = crypto::PeerRules::client();
  }
  made->context_ = std::move(context);
  return made;
}

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::create(const Options& options) {
  auto rules = crypto::PeerRules::server(options.server_name, options.spki_pins);
  if (!rules) {
    return fail(ErrorKind::misconfigured, "net.tls_bad_server_name",
                "the server's name is neither a host name nor an address", rules.error().for_log());
  }
  CS_TRY(Context context, make_context(TLS_client_method(), options.unsafe_allow_tls_1_2));
  if (options.identity) CS_CHECK(use_identity(context.get(), *options.identity));
  CS_CHECK(require_peer_certificate(context.get(), options.server_anchors_pem));
  // Gives 0 for success, as the only one of its kind.
  if (SSL_CTX_set_alpn_protos(context.get(), http_1_1.data(), http_1_1.size()) != 0) {
    return fail(internal_error("SSL_CTX_set_alpn_protos"));
  }
  std::shared_ptr<TlsClientContext> made(new TlsClientContext);
  made->peer_rules_ = *std::move(rules);
  made->context_ = std::move(context);
  return made;
}

}  // namespace countersign::net
