// The token store over TCP with TLS, as an egress on another host reaches it: only a server whose
// certificate is of the configured CA and for the configured name is talked to.

#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/certificate_authority.h"
#include "store/postgres.h"
#include "token_store_testbed.h"

namespace countersign::store {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::PostgresServer;

constexpr std::string_view server_name = "db.shop.example";

// A server of this suite's own: TLS is offered by the whole of it.
class PostgresTls : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::installed()) GTEST_SKIP() << PostgresServer::how_to_install;
    server_ = std::make_unique<PostgresServer>();
    database_ = server_->create_database();
    put("ca.pem", authority_.certificate_pem());
    put("other-ca.pem", make_authority("Another CA").certificate_pem());
  }
  crypto::CertificateAuthority make_authority(const std::string& name) {
    return must(crypto::CertificateAuthority::create(
        {.name = name, .not_before = clock_.wall_now() - 1h, .not_after = clock_.wall_now() + 24h},
        entropy_));
  }
  void offer_tls() {
    crypto::CertificateSpec spec;
    spec.common_name = server_name;
    spec.dns_names = {std::string(server_name)};
    spec.purposes = {crypto::CertificatePurpose::server_auth};
    spec.not_before = clock_.wall_now() - 1h;
    spec.not_after = clock_.wall_now() + 24h;
    const auto issued = must(authority_.issue(spec, entropy_));
    server_->offer_tls(issued.chain_pem, issued.private_key_pem.unsafe_reveal_text());
  }
  void put(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  // `host` is where the certificate must lead; the connection goes to loopback.
  PostgresOptions options(std::string_view host, const std::string& ca) const {
    const std::string tcp = server_->tcp_conninfo(database_);
    return {.conninfo = tcp.substr(tcp.find(' ') + 1) + " hostaddr=127.0.0.1 host=" +
                        std::string(host) + " sslmode=verify-full sslrootcert=" + folder_ / ca,
            .password = Secret::copy_of(PostgresServer::password),
            .connect_timeout = 60s,
            .statement_timeout = 60s,
            .reconnect_pause = {}};
  }
  Result<TokenRow> read(std::string_view host, const std::string& ca) {
    return must(PostgresTokenStore::open(options(host, ca), clock_))->read("slot");
  }

  SystemClock clock_;
  SystemEntropy entropy_;
  testing::TemporaryFolder folder_;
  crypto::CertificateAuthority authority_ = make_authority("The shop's CA");
  std::unique_ptr<PostgresServer> server_;
  std::string database_;
};

TEST_F(PostgresTls, TokensAreSharedOverAVerifiedConnection) {
  offer_tls();
  const auto one = must(PostgresTokenStore::open(options(server_name, "ca.pem"), clock_));
  const auto other = must(PostgresTokenStore::open(options(server_name, "ca.pem"), clock_));
  const Claim claim = must(one->claim("slot", "one", 0, 0, 10s));
  ASSERT_TRUE(claim.granted);
  ASSERT_TRUE(must(one->publish("slot", "one", claim.row.claimed, token("sealed"))));
  const TokenRow row = must(other->read("slot"));
  ASSERT_TRUE(row.token);
  EXPECT_EQ(row.token->sealed, to_bytes("sealed"));
  const auto database = must(Postgres::open(options(server_name, "ca.pem"), clock_));
  auto rows =
      must(database->query("SELECT ssl, version FROM pg_stat_ssl"
                           " WHERE pid = pg_backend_pid()"));
  ASSERT_TRUE(rows.next());
  EXPECT_TRUE(rows.boolean(0));
  EXPECT_EQ(rows.text(1), "TLSv1.3");
}

TEST_F(PostgresTls, AServerOfAnotherCaIsRefused) {
  offer_tls();
  const auto read_row = read(server_name, "other-ca.pem");
  ASSERT_FALSE(read_row);
  EXPECT_EQ(read_row.error().code, "store.unavailable");
  EXPECT_THAT(read_row.error().for_log(), HasSubstr("certificate verify failed"));
}

TEST_F(PostgresTls, AServerOfAnotherNameIsRefused) {
  offer_tls();
  const auto read_row = read("other.shop.example", "ca.pem");
  ASSERT_FALSE(read_row);
  EXPECT_EQ(read_row.error().code, "store.unavailable");
  EXPECT_THAT(read_row.error().for_log(), HasSubstr("does not match host name"));
}

TEST_F(PostgresTls, AServerWithoutTlsIsRefusedAndGetsNoPassword) {
  const auto read_row = read(server_name, "ca.pem");
  ASSERT_FALSE(read_row);
  EXPECT_EQ(read_row.error().code, "store.unavailable");
  EXPECT_THAT(read_row.error().for_log(), HasSubstr("does not support SSL"));
}

}  // namespace
}  // namespace countersign::store
