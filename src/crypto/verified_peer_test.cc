#include "crypto/verified_peer.h"

#include <gtest/gtest.h>

#include "crypto/openssl.h"
#include "crypto/test_pki.h"
#include "crypto/wildcard_constraints.h"

namespace countersign::crypto {
namespace {

using namespace testing;
using namespace std::chrono_literals;

std::string verify(const CertificateSpec& spec, const PeerRules& rules, WallTime at = now) {
  return code_of(verify_chain(issue(spec), {}, store_of(), rules, at));
}
std::string verify_server(const CertificateSpec& spec, std::string_view host = "api.bank.example") {
  return verify(spec, server_rules(host));
}
std::string verify_client(const CertificateSpec& spec) {
  return verify(spec, PeerRules::client());
}

// verify_peer alone, as if OpenSSL had passed the chain: shows that our own check refuses, whatever
// OpenSSL does.
std::string check_alone(const CertificateSpec& spec, const PeerRules& rules, WallTime at = now) {
  const Certificate leaf = issue(spec);
  const uint8_t* in = leaf.der.data();
  const X509StackPtr chain(sk_X509_new_null());
  sk_X509_push(chain.get(), d2i_X509(nullptr, &in, static_cast<long>(leaf.der.size())));
  return code_of(verify_peer(chain.get(), X509_V_OK, rules, at));
}

TEST(VerifiedPeer, HoldsTheLeafAndTheRole) {
  const Certificate leaf = issue(client_spec());
  const auto peer = verify_chain(leaf, {}, store_of(), PeerRules::client(), now);
  ASSERT_TRUE(peer.has_value()) << peer.error().for_log();
  EXPECT_EQ(peer->certificate().thumbprint, leaf.thumbprint);
  EXPECT_EQ(peer->role(), PeerRole::client);
}

TEST(VerifiedPeer, AcceptsEachSupportedKeyAsServerAndAsClient) {
  for (const SignatureAlgorithm* algorithm : signature_algorithms()) {
    CertificateSpec spec = server_spec();
    spec.key_algorithm = algorithm;
    EXPECT_EQ(verify_server(spec), "") << algorithm->jose_name;
    spec = client_spec();
    spec.key_algorithm = algorithm;
    EXPECT_EQ(verify_client(spec), "") << algorithm->jose_name;
  }
}

TEST(VerifiedPeer, AcceptsAChainThroughAnIntermediate) {
  SystemEntropy entropy;
  const auto middle = root().create_intermediate(authority_options("Middle"), entropy).value();
  const Certificate issuer = parse_certificate_pem(middle.certificate_pem()).value();
  const Certificate leaf = issue(server_spec(), middle);
  EXPECT_EQ(code_of(verify_chain(leaf, {issuer}, store_of(), server_rules(), now)), "");
  EXPECT_EQ(code_of(verify_chain(leaf, {}, store_of(), server_rules(), now)),
            "crypto.chain_not_verified");
}

TEST(VerifiedPeer, RefusesALeafOfAnotherRoot) {
  const CertificateAuthority other = make_authority(authority_options("Test Root"));
  EXPECT_EQ(code_of(verify_chain(issue(server_spec(), other), {}, store_of(), server_rules(), now)),
            "crypto.chain_not_verified");
}

TEST(VerifiedPeer, RefusesAnIntermediateAsATrustedEnd) {
  // Partial chains are off: a store holding only the intermediate does not anchor a leaf below it.
  SystemEntropy entropy;
  const auto middle = root().create_intermediate(authority_options("Middle"), entropy).value();
  const auto leaf = issue(server_spec(), middle);
  EXPECT_EQ(code_of(verify_chain(leaf, {}, store_of(middle), server_rules(), now)),
            "crypto.chain_not_verified");
}

TEST(VerifiedPeer, RefusesWhateverOpensslDidNotPass) {
  EXPECT_EQ(code_of(verify_peer(nullptr, X509_V_OK, PeerRules::client(), now)),
            "crypto.chain_not_verified");
  const X509StackPtr empty(sk_X509_new_null());
  EXPECT_EQ(code_of(verify_peer(empty.get(), X509_V_OK, PeerRules::client(), now)),
            "crypto.chain_not_verified");
  const Certificate leaf = issue(client_spec());
  const uint8_t* in = leaf.der.data();
  const X509StackPtr chain(sk_X509_new_null());
  sk_X509_push(chain.get(), d2i_X509(nullptr, &in, static_cast<long>(leaf.der.size())));
  EXPECT_EQ(
      code_of(verify_peer(chain.get(), X509_V_ERR_CERT_HAS_EXPIRED, PeerRules::client(), now)),
      "crypto.chain_not_verified");
  EXPECT_EQ(code_of(verify_peer(chain.get(), X509_V_OK, PeerRules::client(), now)), "");
}

// Reliability list 43: the wrong purpose.
TEST(VerifiedPeer, RefusesTheOtherRolesPurpose) {
  CertificateSpec spec = server_spec();
  spec.purposes = {CertificatePurpose::client_auth};
  EXPECT_EQ(check_alone(spec, server_rules()), "crypto.peer_purpose");
  EXPECT_NE(verify_server(spec), "");
  spec = client_spec();
  spec.purposes = {CertificatePurpose::server_auth};
  EXPECT_EQ(check_alone(spec, PeerRules::client()), "crypto.peer_purpose");
  EXPECT_NE(verify_client(spec), "");
  spec.purposes = {CertificatePurpose::server_auth, CertificatePurpose::client_auth};
  EXPECT_EQ(verify_client(spec), "");
}

// Reliability list 43: OpenSSL 3.0 takes an absent extension for any purpose.
TEST(VerifiedPeer, RefusesAnAbsentPurpose) {
  CertificateSpec spec = server_spec();
  spec.purposes = {};
  EXPECT_EQ(verify_server(spec), "crypto.peer_purpose");
  spec = client_spec();
  spec.purposes = {};
  EXPECT_EQ(verify_client(spec), "crypto.peer_purpose");
}

TEST(VerifiedPeer, RefusesAnyExtendedKeyUsageAlone) {
  CertificateSpec spec = server_spec();
  spec.purposes = {CertificatePurpose::any};
  EXPECT_EQ(check_alone(spec, server_rules()), "crypto.peer_purpose");
  EXPECT_NE(verify_server(spec), "");
  spec = client_spec();
  spec.purposes = {CertificatePurpose::any};
  EXPECT_EQ(check_alone(spec, PeerRules::client()), "crypto.peer_purpose");
  EXPECT_NE(verify_client(spec), "");
  spec.purposes = {CertificatePurpose::any, CertificatePurpose::client_auth};
  EXPECT_EQ(verify_client(spec), "");
}

TEST(VerifiedPeer, RefusesAServerWithoutSubjectAltNameWhateverItsCommonName) {
  CertificateSpec spec = server_spec();
  spec.unsafe_flaws.no_subject_alt_name = true;
  EXPECT_EQ(verify_server(spec), "crypto.peer_no_name");
  spec = client_spec();
  spec.unsafe_flaws.no_subject_alt_name = true;
  EXPECT_EQ(verify_client(spec), "");  // a client is matched by its registration
}

TEST(VerifiedPeer, RefusesVersion1) {
  CertificateSpec spec = client_spec();
  spec.unsafe_flaws.version_1 = true;
  EXPECT_EQ(check_alone(spec, PeerRules::client()), "crypto.peer_version");
  EXPECT_NE(verify_client(spec), "");
}

// Reliability list 46: a CA's certificate as a leaf.
TEST(VerifiedPeer, RefusesACaAsLeaf) {
  CertificateSpec spec = server_spec();
  spec.unsafe_flaws.ca_true = true;
  EXPECT_EQ(verify_server(spec), "crypto.peer_is_ca");
  const Certificate anchor = parse_certificate_pem(root().certificate_pem()).value();
  EXPECT_NE(code_of(verify_chain(anchor, {}, store_of(), PeerRules::client(), now)), "");
}

// Reliability list 46: a trusted leaf could sign others.
TEST(TrustStore, RefusesALeafAsAnchor) {
  EXPECT_EQ(code_of(TrustStore::from_pem(issue_pem(server_spec()))), "crypto.anchor_not_ca");
  EXPECT_EQ(code_of(TrustStore::from_pem(root().certificate_pem() + issue_pem(server_spec()))),
            "crypto.anchor_not_ca");
}

TEST(TrustStore, RefusesAnEmptyOrBrokenBundle) {
  EXPECT_EQ(code_of(TrustStore::from_pem("")), "crypto.no_trust_anchor");
  EXPECT_EQ(code_of(TrustStore::from_pem("# no anchors yet\n")), "crypto.no_trust_anchor");
  const std::string& pem = root().certificate_pem();
  EXPECT_EQ(code_of(TrustStore::from_pem(pem + pem.substr(0, 200))), "crypto.bad_certificate");
}

TEST(TrustStore, HoldsEveryAnchorOfItsBundle) {
  const CertificateAuthority other = make_authority(authority_options("Other Root"));
  const TrustStore store =
      TrustStore::from_pem(root().certificate_pem() + other.certificate_pem()).value();
  EXPECT_EQ(store.anchors().size(), 2u);
  for (const CertificateAuthority* authority : {&root(), &other}) {
    EXPECT_EQ(
        code_of(verify_chain(issue(server_spec(), *authority), {}, store, server_rules(), now)),
        "");
  }
}

// Reliability list 46: a leaf of the trusted root signs for another name.
TEST(VerifiedPeer, RefusesACertificateThatALeafSigned) {
  SystemEntropy entropy;
  const IssuedCertificate thief = root().issue(client_spec(), entropy).value();
  const PrivateKey thiefs_key = PrivateKey::from_pem(thief.private_key_pem).value();
  const Certificate thiefs_leaf = parse_certificate_pem(thief.certificate_pem).value();
  const auto native = [](const Certificate& certificate) {
    const uint8_t* in = certificate.der.data();
    return X509Ptr(d2i_X509(nullptr, &in, static_cast<long>(certificate.der.size())));
  };
  const X509Ptr issuer = native(thiefs_leaf);
  const X509Ptr forged = native(issue(server_spec()));
  ASSERT_EQ(X509_set_issuer_name(forged.get(), X509_get_subject_name(issuer.get())), 1);
  X509_EXTENSION_free(X509_delete_ext(
      forged.get(), X509_get_ext_by_NID(forged.get(), NID_authority_key_identifier, -1)));
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer.get(), forged.get(), nullptr, nullptr, 0);
  X509_EXTENSION* key_id =
      X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid");
  ASSERT_EQ(X509_add_ext(forged.get(), key_id, -1), 1);
  X509_EXTENSION_free(key_id);
  ASSERT_GT(X509_sign(forged.get(), thiefs_key.native(), EVP_sha256()), 0);
  const auto peer = verify_chain(read_certificate(forged.get()).value(), {thiefs_leaf}, store_of(),
                                 server_rules(), now);
  ASSERT_FALSE(peer.has_value());
  EXPECT_EQ(peer.error().code, "crypto.chain_not_verified");
  EXPECT_NE(peer.error().private_detail.find("CA certificate"), std::string::npos)
      << peer.error().for_log();
}

TEST(VerifiedPeer, RefusesAnAuthorityBelowThePathLength) {
  SystemEntropy entropy;
  const auto middle = root().create_intermediate(authority_options("Middle"), entropy).value();
  const auto below = middle.create_intermediate(authority_options("Too Deep"), entropy).value();
  const std::vector<Certificate> between = {parse_certificate_pem(middle.certificate_pem()).value(),
                                            parse_certificate_pem(below.certificate_pem()).value()};
  EXPECT_EQ(
      code_of(verify_chain(issue(server_spec(), below), between, store_of(), server_rules(), now)),
      "crypto.chain_not_verified");
}

TEST(VerifiedPeer, RefusesOddSerialNumbers) {
  for (const UnsafeCertificateFlaws& flaws : {UnsafeCertificateFlaws{.serial_zero = true},
                                              UnsafeCertificateFlaws{.serial_negative = true},
                                              UnsafeCertificateFlaws{.serial_too_long = true}}) {
    CertificateSpec spec = client_spec();
    spec.unsafe_flaws = flaws;
    EXPECT_EQ(verify_client(spec), "crypto.peer_serial");
  }
}

TEST(VerifiedPeer, RefusesWeakKeysAndDigests) {
  CertificateSpec spec = client_spec();
  spec.unsafe_flaws = {.short_rsa_key = true};
  EXPECT_EQ(check_alone(spec, PeerRules::client()), "crypto.peer_key");
  EXPECT_NE(verify_client(spec), "");
  spec.unsafe_flaws = {.unsupported_curve = true};
  EXPECT_EQ(verify_client(spec), "crypto.peer_key");
  spec.unsafe_flaws = {.signed_with_sha1 = true};
  EXPECT_EQ(check_alone(spec, PeerRules::client()), "crypto.peer_weak_digest");
  EXPECT_NE(verify_client(spec), "");
}

TEST(VerifiedPeer, RefusesAKeyThatMayNotSign) {
  CertificateSpec spec = client_spec();
  spec.unsafe_flaws.no_digital_signature = true;
  EXPECT_EQ(check_alone(spec, PeerRules::client()), "crypto.peer_key_usage");
}

TEST(VerifiedPeer, IsValidFromItsFirstToItsLastSecond) {
  const CertificateSpec spec = client_spec();
  const PeerRules rules = PeerRules::client();
  EXPECT_EQ(check_alone(spec, rules, spec.not_before), "");
  EXPECT_EQ(check_alone(spec, rules, spec.not_before - 1us), "crypto.peer_not_yet_valid");
  EXPECT_EQ(check_alone(spec, rules, spec.not_after + 999ms), "");
  EXPECT_EQ(check_alone(spec, rules, spec.not_after + 1s), "crypto.peer_expired");
  EXPECT_EQ(verify(spec, rules, spec.not_after + 24h), "crypto.chain_not_verified");
  EXPECT_EQ(verify(spec, rules, spec.not_before - 1h), "crypto.chain_not_verified");
}

TEST(VerifiedPeer, ChecksTheHostAgainstTheRightKindOfName) {
  CertificateSpec spec = server_spec();
  spec.dns_names = {"api.bank.example", "192.0.2.9"};
  spec.ip_addresses = {"192.0.2.7", "2001:db8::7"};
  EXPECT_EQ(verify_server(spec, "API.Bank.Example."), "");
  EXPECT_EQ(verify_server(spec, "192.0.2.7"), "");
  EXPECT_EQ(verify_server(spec, "2001:db8:0::7"), "");
  EXPECT_EQ(verify_server(spec, "192.0.2.9"), "crypto.peer_wrong_name");  // named as a dNSName only
  EXPECT_EQ(verify_server(spec, "other.bank.example"), "crypto.peer_wrong_name");
  EXPECT_EQ(verify_server(spec, "bank.example"), "crypto.peer_wrong_name");
}

TEST(VerifiedPeer, AcceptsAnyOfSeveralPins) {
  const Certificate leaf = issue(server_spec());
  const Sha256Digest other = sha256(as_bytes("next key"));
  const auto verify_with = [&](std::vector<Sha256Digest> pins) {
    return code_of(
        verify_chain(leaf, {}, store_of(), server_rules("api.bank.example", std::move(pins)), now));
  };
  EXPECT_EQ(verify_with({leaf.spki_sha256}), "");
  EXPECT_EQ(verify_with({other, leaf.spki_sha256}), "");
  EXPECT_EQ(verify_with({other}), "crypto.peer_not_pinned");
  // The CA's key is not the leaf's: a pin on it must not let every leaf pass.
  EXPECT_EQ(verify_with({root().private_key().public_key().spki_sha256()}),
            "crypto.peer_not_pinned");
}

TEST(PeerRules, RefuseWhatIsNoHost) {
  for (const std::string_view host : {"", ".", "a..b", "*.bank.example", "bank example",
                                      "-a.example", "127.1", "bank.example:443", "999.1.1.1"}) {
    EXPECT_EQ(code_of(PeerRules::server(host)), "crypto.bad_host_name") << host;
  }
  EXPECT_EQ(code_of(PeerRules::server(std::string_view("bank\0.example", 13))),
            "crypto.bad_host_name");
  EXPECT_EQ(code_of(PeerRules::server("localhost")), "");
}

TEST(DnsName, WildcardIsTheWholeLeftMostLabelAndStandsForOne) {
  EXPECT_TRUE(dns_name_matches("*.bank.example", "api.bank.example"));
  EXPECT_TRUE(dns_name_matches("*.BANK.example", "api.bank.example"));
  for (const auto& [pattern, host] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"*.bank.example", "bank.example"},
           {"*.bank.example", "a.b.bank.example"},
           {"*.bank.example", ".bank.example"},
           {"a*.bank.example", "api.bank.example"},
           {"api.*.example", "api.bank.example"},
           {"*.*.example", "api.bank.example"},
           {"*.example", "bank.example"},
           {"*", "localhost"},
           {"*.", "a."},
           {"", ""},
           {"api.bank.example.", "api.bank.example"}}) {
    EXPECT_FALSE(dns_name_matches(pattern, host)) << pattern << " " << host;
  }
}

CertificateAuthority constrained(std::vector<std::string> permitted,
                                 std::vector<std::string> excluded) {
  AuthorityOptions options = authority_options("Constrained");
  options.permitted_dns = std::move(permitted);
  options.excluded_dns = std::move(excluded);
  return make_authority(options);
}

std::string verify_constrained(const CertificateAuthority& authority, std::string name,
                               std::string_view host) {
  CertificateSpec spec = server_spec();
  spec.dns_names = {std::move(name)};
  return code_of(
      verify_chain(issue(spec, authority), {}, store_of(authority), server_rules(host), now));
}

// Reliability list 45: name constraints and wildcards.
TEST(NameConstraints, AWildcardMayNotReachAnExcludedName) {
  const auto authority = constrained({}, {"pay.bank.example"});
  EXPECT_EQ(verify_constrained(authority, "*.bank.example", "api.bank.example"),
            "crypto.peer_name_constraints");
  EXPECT_EQ(verify_constrained(authority, "*.pay.bank.example", "a.pay.bank.example"),
            "crypto.chain_not_verified");
  EXPECT_EQ(verify_constrained(authority, "*.shop.example", "api.shop.example"), "");
  EXPECT_EQ(verify_constrained(authority, "api.bank.example", "api.bank.example"), "");
}

// Reliability list 45: name constraints and case.
TEST(NameConstraints, IgnoreCase) {
  const auto excluding = constrained({}, {"Pay.Bank.EXAMPLE"});
  EXPECT_EQ(verify_constrained(excluding, "pay.bank.example", "pay.bank.example"),
            "crypto.chain_not_verified");
  EXPECT_EQ(verify_constrained(excluding, "*.bank.example", "api.bank.example"),
            "crypto.peer_name_constraints");
  const auto permitting = constrained({"bank.example"}, {});
  EXPECT_EQ(verify_constrained(permitting, "API.BANK.EXAMPLE", "api.bank.example"), "");
  EXPECT_EQ(verify_constrained(permitting, "api.shop.example", "api.shop.example"),
            "crypto.chain_not_verified");
}

TEST(NameConstraints, WildcardReach) {
  EXPECT_TRUE(wildcard_reaches("bank.example", "pay.bank.example"));
  EXPECT_TRUE(wildcard_reaches("bank.example", ".pay.bank.example"));
  EXPECT_TRUE(wildcard_reaches("bank.example", "bank.example"));
  EXPECT_TRUE(wildcard_reaches("bank.example", "example"));
  EXPECT_TRUE(wildcard_reaches("bank.example", ""));
  EXPECT_FALSE(wildcard_reaches("bank.example", "a.pay.bank.example"));
  EXPECT_FALSE(wildcard_reaches("bank.example", "ank.example"));
  EXPECT_FALSE(wildcard_reaches("bank.example", "shop.example"));
}

}  // namespace
}  // namespace countersign::crypto
