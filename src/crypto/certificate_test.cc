#include "crypto/certificate.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "crypto/openssl.h"
#include "crypto/test_pki.h"

namespace countersign::crypto {
namespace {

using testing::code_of;
using testing::issue;
using testing::issue_pem;
using testing::now;
using testing::root;
using testing::server_spec;
using namespace std::chrono_literals;

TEST(Certificate, SaysWhatItsIssuerWrote) {
  CertificateSpec spec = server_spec();
  spec.dns_names = {"api.bank.example", "*.pay.bank.example"};
  spec.ip_addresses = {"192.0.2.7", "2001:db8::7"};
  spec.uris = {"spiffe://bank.example/api"};
  spec.purposes = {CertificatePurpose::server_auth, CertificatePurpose::client_auth};
  const Certificate leaf = issue(spec);
  EXPECT_EQ(leaf.subject, "CN=api.bank.example,O=Bank");
  EXPECT_EQ(leaf.issuer, "CN=Test Root");
  EXPECT_EQ(leaf.version, 3);
  EXPECT_FALSE(leaf.is_ca);
  EXPECT_FALSE(leaf.self_issued);
  EXPECT_TRUE(leaf.names.present);
  EXPECT_EQ(leaf.names.dns, spec.dns_names);
  EXPECT_EQ(leaf.names.uris, spec.uris);
  EXPECT_EQ(leaf.names.ips, (std::vector{IpAddress::parse("192.0.2.7").value(),
                                         IpAddress::parse("2001:db8::7").value()}));
  EXPECT_EQ(leaf.extended_key_usages,
            (std::vector<std::string>{std::string(server_auth_oid), std::string(client_auth_oid)}));
  EXPECT_TRUE(leaf.has_key_usage);
  EXPECT_TRUE(leaf.digital_signature);
  EXPECT_FALSE(leaf.may_sign_certificates);
  EXPECT_EQ(leaf.key_type, CertificateKeyType::ec_p256);
  EXPECT_EQ(leaf.key_bits, 256);
  EXPECT_EQ(leaf.signature_digest, CertificateDigest::sha256);
  EXPECT_EQ(leaf.not_before, spec.not_before);
  EXPECT_EQ(leaf.not_after, spec.not_after);
  EXPECT_TRUE(leaf.serial_positive);
  EXPECT_EQ(leaf.serial_octets, 16u);
}

TEST(Certificate, OfACaSaysSo) {
  const Certificate ca = parse_certificate_pem(root().certificate_pem()).value();
  EXPECT_TRUE(ca.is_ca);
  EXPECT_TRUE(ca.may_sign_certificates);
  EXPECT_TRUE(ca.self_issued);
  EXPECT_FALSE(ca.names.present);
}

// RFC 8705 §3.1: the thumbprint is over the DER certificate.
TEST(Certificate, ThumbprintIsTheDigestOfItsDer) {
  const Certificate leaf = issue(server_spec());
  EXPECT_EQ(leaf.thumbprint, sha256(leaf.der));
  EXPECT_NE(leaf.thumbprint, issue(server_spec()).thumbprint);
}

TEST(Certificate, SpkiDigestIsItsKeys) {
  SystemEntropy entropy;
  const IssuedCertificate issued = root().issue(server_spec(), entropy).value();
  const PrivateKey key = PrivateKey::from_pem(issued.private_key_pem).value();
  const Certificate leaf = parse_certificate_pem(issued.certificate_pem).value();
  EXPECT_EQ(leaf.spki_sha256, key.public_key().spki_sha256());
}

TEST(Certificate, SurvivesPemAndDer) {
  const Certificate leaf = issue(server_spec());
  EXPECT_EQ(parse_certificate_pem(to_pem(leaf)).value().thumbprint, leaf.thumbprint);
  EXPECT_EQ(parse_certificate(leaf.der).value().thumbprint, leaf.thumbprint);
}

// RFC 4514 §2.4: what separates names is escaped, and so is what would start a new log line.
TEST(Certificate, EscapesItsSubject) {
  CertificateSpec spec = server_spec();
  spec.common_name = "a,b+c\n\"Zürich\"";
  spec.organization = "";
  EXPECT_EQ(issue(spec).subject, "CN=a\\,b\\+c\\0A\\\"Zürich\\\"");
}

TEST(Certificate, ReadsEachKeyType) {
  CertificateSpec spec = server_spec();
  spec.key_algorithm = &ps256;
  EXPECT_EQ(issue(spec).key_type, CertificateKeyType::rsa);
  EXPECT_EQ(issue(spec).key_bits, 3072);
  spec.key_algorithm = &eddsa;
  EXPECT_EQ(issue(spec).key_type, CertificateKeyType::ed25519);
  spec.unsafe_flaws.unsupported_curve = true;
  EXPECT_EQ(issue(spec).key_type, CertificateKeyType::other);
}

TEST(Certificate, ReadsTheSignaturesDigest) {
  AuthorityOptions options = testing::authority_options("Ed Root");
  options.key_algorithm = &eddsa;
  EXPECT_EQ(issue(server_spec(), testing::make_authority(options)).signature_digest,
            CertificateDigest::none);
  CertificateSpec spec = server_spec();
  spec.unsafe_flaws.signed_with_sha1 = true;
  EXPECT_EQ(issue(spec).signature_digest, CertificateDigest::weak);
}

TEST(Certificate, ReadsOddSerialNumbers) {
  CertificateSpec spec = server_spec();
  spec.unsafe_flaws.serial_zero = true;
  EXPECT_FALSE(issue(spec).serial_positive);
  EXPECT_EQ(issue(spec).serial_hex, "00");
  spec.unsafe_flaws = {.serial_negative = true};
  EXPECT_FALSE(issue(spec).serial_positive);
  EXPECT_TRUE(issue(spec).serial_hex.starts_with('-'));
  spec.unsafe_flaws = {.serial_too_long = true};
  EXPECT_EQ(issue(spec).serial_octets, 21u);
}

// Reliability list 44: a SAN with a NUL reads as "bank.example" to C strings.
TEST(Certificate, RefusesADnsNameWithAnEmbeddedNul) {
  CertificateSpec spec = server_spec();
  spec.unsafe_flaws.dns_name_with_nul = true;
  EXPECT_EQ(code_of(parse_certificate_pem(issue_pem(spec))), "crypto.bad_certificate");
}

// The bytes of `in` with `from` replaced by `to` of the same length: a certificate whose signature
// no longer holds, which parsing does not look at.
Bytes patched(Bytes in, std::string_view from, std::string_view to) {
  const ByteView needle = as_bytes(from);
  const auto found = std::ranges::search(in, needle);
  EXPECT_FALSE(found.empty());
  std::ranges::copy(as_bytes(to), found.begin());
  return in;
}

TEST(Certificate, RefusesNamesWithControlOrNonAsciiCharacters) {
  const Bytes der = issue(server_spec()).der;
  const std::string san =
      "\x82\x10"
      "api.bank.example";  // [2] IMPLICIT IA5String
  for (const char odd : {'\0', '\n', ' ', '\x7f', '\xff'}) {
    std::string changed = san;
    changed[5] = odd;
    EXPECT_EQ(code_of(parse_certificate(patched(der, san, changed))), "crypto.bad_certificate");
  }
}

// Reliability list 44, as it was shipped: the NUL in an otherName.
TEST(Certificate, RefusesAnOtherNameWithAnEmbeddedNul) {
  CertificateSpec spec = server_spec();
  // 24 characters make room for: [0] { OID 1.3.6.1.4.1.311.20.2.3, [0] { UTF8String(6) } }.
  spec.dns_names = {"abcdefghijklmnopqrstuvwx"};
  const std::string dns =
      "\x82\x18"
      "abcdefghijklmnopqrstuvwx";
  const std::string head =
      "\xa0\x18\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x0a\x0c\x08";
  const Bytes der = issue(spec).der;
  const auto clean = parse_certificate(patched(der, dns, head + "pay@bank"));
  ASSERT_TRUE(clean.has_value()) << clean.error().for_log();
  EXPECT_TRUE(clean->names.present);
  EXPECT_TRUE(clean->names.dns.empty());
  const std::string with_nul = head + std::string("pay\0evil", 8);
  EXPECT_EQ(code_of(parse_certificate(patched(der, dns, with_nul))), "crypto.bad_certificate");
}

TEST(Certificate, RefusesAnExtensionThatIsThereTwice) {
  const Bytes der = issue(server_spec()).der;
  // subjectKeyIdentifier (2.5.29.14) becomes a second keyUsage (2.5.29.15).
  EXPECT_EQ(
      code_of(parse_certificate(patched(der, "\x06\x03\x55\x1d\x0e", "\x06\x03\x55\x1d\x0f"))),
      "crypto.bad_certificate");
}

TEST(Certificate, RefusesAnExtensionThatCannotBeRead) {
  const Bytes der = issue(server_spec()).der;
  // The SAN's SEQUENCE becomes a SET.
  const std::string san("\x06\x03\x55\x1d\x11\x04\x14\x30", 8);
  const std::string broken("\x06\x03\x55\x1d\x11\x04\x14\x31", 8);
  EXPECT_EQ(code_of(parse_certificate(patched(der, san, broken))), "crypto.bad_certificate");
}

TEST(Certificate, RefusesTruncatedLongerAndHugeInput) {
  Bytes der = issue(server_spec()).der;
  EXPECT_EQ(code_of(parse_certificate(ByteView(der).first(der.size() - 1))),
            "crypto.bad_certificate");
  EXPECT_EQ(code_of(parse_certificate({})), "crypto.bad_certificate");
  der.push_back(0);
  EXPECT_EQ(code_of(parse_certificate(der)), "crypto.bad_certificate");
  EXPECT_EQ(code_of(parse_certificate(Bytes(certificate_bytes_max + 1))), "crypto.too_large");
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(CertificateBundle, GivesEveryCertificateInOrder) {
  const std::string first = issue_pem(server_spec());
  const auto found = parse_certificates_pem("a comment\n" + first + root().certificate_pem());
  ASSERT_EQ(found.value().size(), 2u);
  EXPECT_EQ((*found)[0].thumbprint, parse_certificate_pem(first).value().thumbprint);
  EXPECT_TRUE((*found)[1].is_ca);
}

TEST(CertificateBundle, SkipsThePrivateKeyOfACombinedFile) {
  SystemEntropy entropy;
  const IssuedCertificate issued = root().issue(server_spec(), entropy).value();
  const std::string combined =
      std::string(issued.private_key_pem.unsafe_reveal_text()) + issued.certificate_pem;
  EXPECT_EQ(parse_certificates_pem(combined).value().size(), 1u);
}

TEST(CertificateBundle, IsNeverUsedInPart) {
  const std::string good = issue_pem(server_spec());
  std::string broken = root().certificate_pem();
  broken[60] = '!';
  EXPECT_EQ(code_of(parse_certificates_pem(good + broken)), "crypto.bad_certificate");
  const std::string cut = good.substr(0, good.size() / 2);
  EXPECT_EQ(code_of(parse_certificates_pem(good + cut)), "crypto.bad_certificate");
  EXPECT_EQ(code_of(parse_certificates_pem("")), "crypto.bad_certificate");
  EXPECT_EQ(code_of(parse_certificates_pem("no certificate here\n")), "crypto.bad_certificate");
  EXPECT_EQ(code_of(parse_certificates_pem(std::string(certificate_bundle_bytes_max + 1, '\n'))),
            "crypto.too_large");
}

}  // namespace
}  // namespace countersign::crypto
