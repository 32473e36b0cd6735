// Bugs that others shipped in certificate checks, one test each, by their number in the project's
// list of negative tests. What is varied further stands in crypto's unit tests.

#include <gtest/gtest.h>

#include "crypto/test_pki.h"

namespace countersign::crypto {
namespace {

using namespace testing;

std::string verify(const Certificate& leaf, const PeerRules& rules,
                   const TrustStore& store = store_of()) {
  return code_of(verify_chain(leaf, {}, store, rules, now));
}

TEST(X509Negative, No43WrongExtendedKeyUsage) {
  ASSERT_EQ(verify(issue(server_spec()), server_rules()), "");
  ASSERT_EQ(verify(issue(client_spec()), PeerRules::client()), "");
  EXPECT_NE(verify(issue(server_spec()), PeerRules::client()), "");
  CertificateSpec spec = server_spec();
  spec.purposes = {CertificatePurpose::client_auth};
  EXPECT_NE(verify(issue(spec), server_rules()), "");
  spec.purposes = {};
  EXPECT_EQ(verify(issue(spec), server_rules()), "crypto.peer_purpose");
  spec.purposes = {CertificatePurpose::any};
  EXPECT_NE(verify(issue(spec), server_rules()), "");
}

TEST(X509Negative, No44SanWithNul) {
  CertificateSpec spec = server_spec();
  spec.unsafe_flaws.dns_name_with_nul = true;
  const auto parsed = parse_certificate_pem(issue_pem(spec));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code, "crypto.bad_certificate");
}

TEST(X509Negative, No44SubjectOrderIsThatOfRfc4514) {
  CertificateSpec spec = client_spec();
  spec.common_name = "O=Bank";
  spec.organization = "billing";
  // The two attributes do not pass for each other: "=" needs no escape, but the types stay in
  // place.
  EXPECT_EQ(issue(spec).subject, "CN=O=Bank,O=billing");
}

TEST(X509Negative, No45NameConstraintsWithWildcardAndCase) {
  AuthorityOptions options = authority_options("Constrained");
  options.excluded_dns = {"PAY.bank.example"};
  const CertificateAuthority authority = make_authority(options);
  CertificateSpec spec = server_spec();
  spec.dns_names = {"*.bank.example"};
  EXPECT_EQ(verify(issue(spec, authority), server_rules("api.bank.example"), store_of(authority)),
            "crypto.peer_name_constraints");
  EXPECT_EQ(verify(issue(spec, authority), server_rules("pay.bank.example"), store_of(authority)),
            "crypto.peer_name_constraints");
  spec.dns_names = {"pay.BANK.example"};
  EXPECT_EQ(verify(issue(spec, authority), server_rules("pay.bank.example"), store_of(authority)),
            "crypto.chain_not_verified");
}

TEST(X509Negative, No46TrustedLeafSignsOthers) {
  const std::string leaf_pem = issue_pem(server_spec());
  EXPECT_EQ(code_of(TrustStore::from_pem(leaf_pem)), "crypto.anchor_not_ca");
  CertificateSpec spec = server_spec();
  spec.unsafe_flaws.ca_true = true;
  EXPECT_EQ(verify(issue(spec), server_rules()), "crypto.peer_is_ca");
}

}  // namespace
}  // namespace countersign::crypto
