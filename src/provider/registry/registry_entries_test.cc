#include "provider/registry/registry_entries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/bytes.h"

namespace countersign::provider {
namespace {

using std::chrono::microseconds;
using ::testing::HasSubstr;

crypto::Certificate certificate() {
  crypto::Certificate certificate;
  certificate.thumbprint.fill(1);
  certificate.subject = "CN=billing,O=Acme";
  certificate.names = {.present = true,
                       .dns = {"other.example", "Billing.Acme.example"},
                       .uris = {"spiffe://acme/billing"},
                       .emails = {},
                       .ips = {*IpAddress::parse("192.0.2.7")}};
  return certificate;
}

TEST(ClientEntry, OwnsNoCertificateWithoutARule) {
  EXPECT_FALSE(ClientEntry{}.owns(certificate()));
}

TEST(ClientEntry, OwnsACertificateOfARegisteredThumbprint) {
  ClientEntry client;
  client.thumbprints.resize(2);
  client.thumbprints[1].fill(1);
  EXPECT_TRUE(client.owns(certificate()));
  client.thumbprints[1][31] = 2;
  EXPECT_FALSE(client.owns(certificate()));
}

// RFC 8705 §2.1.2
TEST(ClientEntry, OwnsACertificateByItsSubjectExactly) {
  ClientEntry client;
  client.subject_dn = "CN=billing,O=Acme";
  EXPECT_TRUE(client.owns(certificate()));
  for (const std::string other :
       {"CN=billing", "CN=Billing,O=Acme", "O=Acme,CN=billing", "CN=billing,O=Acme2", ""}) {
    client.subject_dn = other;
    EXPECT_FALSE(client.owns(certificate())) << other;
  }
}

TEST(ClientEntry, OwnsACertificateByOneOfItsAlternativeNames) {
  ClientEntry dns;
  dns.san_dns = "billing.acme.example";
  EXPECT_TRUE(dns.owns(certificate()));
  dns.san_dns = "acme.example";
  EXPECT_FALSE(dns.owns(certificate()));
  ClientEntry uri;
  uri.san_uri = "spiffe://acme/billing";
  EXPECT_TRUE(uri.owns(certificate()));
  uri.san_uri = "spiffe://acme/billing2";
  EXPECT_FALSE(uri.owns(certificate()));
  ClientEntry ip;
  ip.san_ip = *IpAddress::parse("192.0.2.7");
  EXPECT_TRUE(ip.owns(certificate()));
  ip.san_ip = *IpAddress::parse("192.0.2.8");
  EXPECT_FALSE(ip.owns(certificate()));
}

TEST(ClientEntry, NeverTakesTheCommonNameForADnsName) {
  ClientEntry client;
  client.san_dns = "billing";
  EXPECT_FALSE(client.owns(certificate()));
}

TEST(ClientEntry, RequiresEveryRuleThatIsRegistered) {
  ClientEntry client;
  client.subject_dn = "CN=billing,O=Acme";
  client.thumbprints.resize(1);
  EXPECT_FALSE(client.owns(certificate()));
  client.thumbprints[0].fill(1);
  EXPECT_TRUE(client.owns(certificate()));
  client.subject_dn = "CN=other";
  EXPECT_FALSE(client.owns(certificate()));
}

TEST(ClientEntry, PermitsEveryAddressOnlyIfNoNetworkIsRegistered) {
  ClientEntry client;
  EXPECT_TRUE(client.permits(*IpAddress::parse("203.0.113.1")));
  client.networks = {*Network::parse("10.0.0.0/8"), *Network::parse("2001:db8::/32")};
  EXPECT_FALSE(client.permits(*IpAddress::parse("203.0.113.1")));
  EXPECT_TRUE(client.permits(*IpAddress::parse("2001:db8::1")));
  EXPECT_TRUE(client.permits(*IpAddress::parse("::ffff:10.0.0.1")));
}

TEST(KeyEntry, IsCurrentFromNotBeforeUntilItExpires) {
  const WallTime begin = from_unix_seconds(1'800'000'000);
  KeyEntry key;
  key.not_before = begin;
  EXPECT_FALSE(key.current(begin - microseconds(1)));
  EXPECT_TRUE(key.current(begin));
  EXPECT_TRUE(key.current(WallTime::max()));
  key.expires_at = begin + microseconds(5);
  EXPECT_TRUE(key.current(begin + microseconds(4)));
  EXPECT_FALSE(key.current(begin + microseconds(5)));
}

TEST(SecretEntry, IsNoLongerCurrentAtItsExpiry) {
  const WallTime end = from_unix_seconds(1'800'000'000);
  SecretEntry secret;
  EXPECT_TRUE(secret.current(WallTime::max()));
  secret.expires_at = end;
  EXPECT_TRUE(secret.current(end - microseconds(1)));
  EXPECT_FALSE(secret.current(end));
}

TEST(KeyEntry, IsRefusedIfItsRecordIsDamaged) {
  const store::KeyRecord good{
      .key_id = "k1", .client_id = "c1", .mac = Bytes(32, 1), .pepper_version = 1};
  ASSERT_TRUE(parse_key(good));
  const auto refused = [&](auto spoil) {
    store::KeyRecord bad = good;
    spoil(bad);
    const auto parsed = parse_key(bad);
    return parsed ? std::string("accepted") : parsed.error().code + parsed.error().private_detail;
  };
  EXPECT_THAT(refused([](auto& key) { key.mac.pop_back(); }), HasSubstr("key \"k1\", mac"));
  EXPECT_THAT(refused([](auto& key) { key.mac.clear(); }), HasSubstr("registry.bad_record"));
  EXPECT_THAT(refused([](auto& key) { key.pepper_version = 0; }), HasSubstr("pepper_version"));
  EXPECT_THAT(refused([](auto& key) { key.pepper_version = int64_t{1} << 32; }),
              HasSubstr("pepper_version"));
  EXPECT_THAT(refused([](auto& key) { key.scopes = {"a b"}; }), HasSubstr("scopes"));
  EXPECT_THAT(refused([](auto& key) { key.networks = {"10.0.0.1/8"}; }), HasSubstr("networks"));
  EXPECT_THAT(refused([](auto& key) { key.certificate_thumbprint = ""; }),
              HasSubstr("certificate_thumbprint"));
}

TEST(Thumbprint, IsThirtyTwoBytesOfBase64url) {
  EXPECT_TRUE(parse_thumbprint(std::string(43, 'A')));
  EXPECT_FALSE(parse_thumbprint(""));
  EXPECT_FALSE(parse_thumbprint(std::string(42, 'A')));
  EXPECT_FALSE(parse_thumbprint(std::string(44, 'A')));
  EXPECT_FALSE(parse_thumbprint(std::string(43, 'A') + "="));
  EXPECT_FALSE(parse_thumbprint(std::string(64, 'a')));  // hexadecimal, as other tools print it
  EXPECT_EQ(parse_thumbprint("x").error().code, "registry.bad_thumbprint");
}

}  // namespace
}  // namespace countersign::provider
