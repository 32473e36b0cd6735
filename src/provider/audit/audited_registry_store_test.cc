#include "provider/audit/audited_registry_store.h"

#include <gtest/gtest.h>

#include "store/sqlite_registry_store.h"
#include "support/fake_clock.h"
#include "support/temporary_folder.h"

namespace countersign::provider {
namespace {

class Lines final : public ChangeLog {
 public:
  Result<void> record(const AuditRecord& record) override {
    if (room-- == 0) return fail(ErrorKind::unavailable, "audit.unavailable", "full");
    writer.append(text, record, WallTime{});
    return {};
  }
  size_t count(std::string_view part) const {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++found;
    return found;
  }
  AuditLineWriter writer{"gw"};
  std::string text;
  int room = -1;  // lines that still fit; negative: any number
};

class AuditedRegistryStoreTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  testing::TemporaryFolder folder_;
  std::unique_ptr<store::SqliteRegistryStore> store_ =
      store::SqliteRegistryStore::open(folder_ / "record.db", clock_).value();
  Lines lines_;
  AuditedRegistryStore audited_{*store_, lines_, "uid:1000 alice"};

  static store::ClientRecord client() {
    store::ClientRecord made;
    made.client_id = "shop";
    made.scopes = {"payments:read"};
    return made;
  }
};

TEST_F(AuditedRegistryStoreTest, AChangeHasALineBeforeAndOneAfterIt) {
  ASSERT_TRUE(audited_.add_client(client()));
  EXPECT_EQ(lines_.count(R"("event":"change_begun")"), 1u);
  EXPECT_EQ(lines_.count(R"("event":"change","outcome":"allow")"), 1u);
  EXPECT_EQ(lines_.count(R"("actor":"uid:1000 alice","action":"add_client","subject":"shop")"), 2u);
}

TEST_F(AuditedRegistryStoreTest, AChangeThatCannotBeRecordedIsNotMade) {
  lines_.room = 0;
  const auto refused = audited_.add_client(client());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "audit.unavailable");
  EXPECT_FALSE(store_->find_client("shop").value());
}

TEST_F(AuditedRegistryStoreTest, AChangeWhoseEndCannotBeRecordedIsNotReportedAsDone) {
  lines_.room = 1;
  const auto unsure = audited_.add_client(client());
  ASSERT_FALSE(unsure);
  EXPECT_EQ(unsure.error().code, "audit.change_end_unrecorded") << "it does not say: not made";
  EXPECT_TRUE(store_->find_client("shop").value());
  EXPECT_EQ(lines_.count("change_begun"), 1u);  // it says what may have happened
}

TEST_F(AuditedRegistryStoreTest, AFailureThatCannotBeRecordedIsStillToldAsItIs) {
  ASSERT_TRUE(audited_.add_client(client()));
  lines_.room = 1;
  EXPECT_EQ(audited_.add_client(client()).error().code, "registry.duplicate");
}

TEST_F(AuditedRegistryStoreTest, AChangeThatFailsIsRecordedWithItsReason) {
  ASSERT_TRUE(audited_.add_client(client()));
  EXPECT_FALSE(audited_.add_client(client()));
  EXPECT_EQ(lines_.count(R"("outcome":"deny","reason":"registry.duplicate")"), 1u);
}

TEST_F(AuditedRegistryStoreTest, EveryWayToChangeTheRecordIsRecordedAndReadingIsNot) {
  ASSERT_TRUE(audited_.add_client(client()));
  store::KeyRecord key;
  key.key_id = "K1";
  key.client_id = "shop";
  key.mac = Bytes(32, 1);
  ASSERT_TRUE(audited_.add_key(key));
  store::SecretRecord secret;
  secret.secret_id = "S1";
  secret.client_id = "shop";
  secret.mac = Bytes(32, 1);
  ASSERT_TRUE(audited_.add_secret(secret));
  ASSERT_TRUE(audited_.revoke({.kind = store::SubjectKind::credential, .subject = "K1"}));
  for (const char* action : {"add_client", "add_key", "add_secret", "revoke"}) {
    EXPECT_EQ(lines_.count(std::string(R"("action":")") + action + "\""), 2u) << action;
  }
  const std::string before = lines_.text;
  EXPECT_TRUE(audited_.find_client("shop").value());
  EXPECT_EQ(audited_.list_keys("").value().size(), 1u);
  EXPECT_EQ(audited_.load_all().value().secrets.size(), 1u);
  EXPECT_EQ(lines_.text, before);
}

}  // namespace
}  // namespace countersign::provider
