#include "cli/doctor_advice.h"

#include <array>

namespace countersign::cli {
namespace {

struct Row {
  std::string_view code;
  std::string_view advice;
};

// More specific codes first: the first that is the error's own or is quoted in its detail.
constexpr std::array rows = {
    Row{"crypto.peer_wrong_name",
        "Set url (or server_name) to a name that the server's certificate holds as "
        "subjectAltName, or have the certificate issued for this one. A common name is not looked "
        "at."},
    Row{"crypto.peer_no_name",
        "The server's certificate needs a subjectAltName; a common name alone is not accepted."},
    Row{"crypto.peer_not_pinned",
        "The server's key is none of those in `pins`. If the provider announced a new key, add its "
        "pin beside the old one. If not, somebody else is answering: do not remove the pins."},
    Row{"crypto.peer_expired", "The provider must renew its certificate."},
    Row{"crypto.peer_not_yet_valid",
        "Compare this machine's clock with the certificate's validity."},
    Row{"crypto.peer_purpose",
        "The server's certificate must have serverAuth among its extended key usages."},
    Row{"crypto.peer_is_ca", "The server shows a CA's certificate as its own; it needs a leaf."},
    Row{"certificate has expired", "A certificate of the chain has expired; its owner must renew."},
    Row{"self-signed certificate",
        "The chain ends in a CA that is not among the configured trust anchors. Ask the provider "
        "which CA it uses, by a way you trust."},
    Row{"unable to get local issuer certificate",
        "The CA that issued the server's certificate is not among the trust anchors, or the server "
        "does not send its intermediate certificates."},
    Row{"net.tls_alert",
        "The other side refused this client's certificate or TLS version. Ask the provider whether "
        "the certificate above is registered, which CAs it accepts, and whether it speaks TLS "
        "1.3."},
    Row{"net.tls_protocol",
        "What answers does not speak TLS 1.3: compare the port, and look for a proxy in between. "
        "For a peer that knows TLS 1.2 only there is unsafe_allow_tls_1_2."},
    Row{"net.tls_key_mismatch", "certificate and private_key_file do not belong together."},
    Row{"net.tls_bad_certificate",
        "Compare the file with what the CA issued: PEM, own "
        "certificate first."},
    Row{"net.tls_bad_key", "The private key's file must hold one unencrypted PEM key."},
    Row{"net.tls_bad_anchors",
        "The trust anchors' file must hold CA certificates in PEM, and nothing else."},
    Row{"net.tls_peer_refused", "See the reason above; nothing was sent."},
    Row{"net.tls_timeout",
        "The connection opens but no handshake follows: look for a firewall or load balancer that "
        "accepts for a server that is away."},
    Row{"net.tls_closed",
        "The other side hung up during the handshake: it may not accept connections from this "
        "network, or not on this port."},
    Row{"net.resolve_failed",
        "Ask this machine's resolver for the name (getent hosts NAME); on a private network "
        "without DNS set connect_to."},
    Row{"net.no_route",
        "This machine's routing table has no way there: look at the link to the provider's "
        "network."},
    Row{"net.connect_timeout",
        "Packets leave and nothing comes back: a firewall on the way drops them, or the address is "
        "wrong."},
    Row{"net.connect_failed",
        "The address answers but nothing listens there, or a firewall refuses: compare the port "
        "with what the provider gave you."},
    Row{"metadata.wrong_issuer",
        "issuer must be exactly what the issuer calls itself, byte by byte; compare it with the "
        "`issuer` of its metadata."},
    Row{"consumer.no_metadata",
        "Nothing is served at the well-known path of this issuer: set token_path (and compare "
        "issuer)."},
    Row{"consumer.token_endpoint_elsewhere",
        "The issuer's metadata sends credentials to another host; ask the provider whether that is "
        "meant."},
    Row{"consumer.issuer_refuses_client",
        "The issuer knows why: compare client_id, client_auth, the secret or certificate, and the "
        "scopes with what the provider registered."},
    Row{"consumer.token_wait_timeout",
        "The issuer took too long; try again, and ask the provider if it stays so."},
    Row{"http.upstream_timeout", "The server accepted the request and did not answer in time."},
    Row{"http.upstream_malformed", "What answers breaks HTTP/1.1; look for a proxy in between."},
    Row{"http.upstream_lost", "The server closed the connection without an answer."},
};

}  // namespace

std::string_view advice_for(const Error& error) {
  for (const Row& row : rows) {
    if (error.code == row.code || error.private_detail.find(row.code) != std::string::npos)
      return row.advice;
  }
  return {};
}

}  // namespace countersign::cli
