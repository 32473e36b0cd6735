#include "store/sqlite_registry_store.h"

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fake_clock.h"
#include "support/temporary_folder.h"

namespace countersign::store {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;
using testing::FakeClock;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr microseconds live_for = seconds(5);

class RegistryStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteRegistryStore> open(SqliteRegistryOptions options = {}) {
    auto store = SqliteRegistryStore::open(path_, clock_, options);
    if (!store) panic(store.error().for_log());
    return *std::move(store);
  }
  ClientRecord client(const std::string& id) {
    return {.client_id = id,
            .name = "Acme billing",
            .status = ClientStatus::active,
            .auth_method = ClientAuthMethod::tls_client_auth,
            .scopes = {"payments:read", "payments:write"},
            .certificate_bound_access_tokens = true,
            .certificates = {.thumbprints = {"A-" + id, "B-" + id},
                             .subject_dn = "CN=billing,O=Acme",
                             .san_dns = std::nullopt,
                             .san_uri = std::nullopt,
                             .san_ip = std::nullopt},
            .networks = {"10.0.0.0/8", "2001:db8::/32"},
            .token_lifetime = seconds(90),
            .created_at = clock_.wall_now()};
  }
  KeyRecord key(const std::string& id, const std::string& client_id) {
    return {.key_id = id,
            .client_id = client_id,
            .mac = Bytes(32, 7),
            .pepper_version = 2,
            .scopes = {"payments:read"},
            .certificate_thumbprint = "A-c1",
            .networks = {"10.1.0.0/16"},
            .created_at = clock_.wall_now(),
            .not_before = clock_.wall_now(),
            .expires_at = clock_.wall_now() + hours(1),
            .revoked_at = std::nullopt,
            .hint = "x9Yz",
            .note = "for the nightly run"};
  }
  SecretRecord secret(const std::string& id, const std::string& client_id) {
    return {.secret_id = id,
            .client_id = client_id,
            .mac = Bytes(32, 9),
            .pepper_version = 1,
            .created_at = clock_.wall_now(),
            .expires_at = std::nullopt,
            .revoked_at = std::nullopt,
            .hint = "abcd",
            .note = ""};
  }
  Revocation revocation(SubjectKind kind, const std::string& subject) {
    return {.kind = kind,
            .subject = subject,
            .issued_at_or_before = clock_.wall_now(),
            .reason = "leaked",
            .revoked_at = clock_.wall_now(),
            .expires_at = clock_.wall_now() + hours(1)};
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "registry.db";
  FakeClock clock_;
};

TEST_F(RegistryStoreTest, ReturnsRecordsAsTheyWereAdded) {
  const auto store = open();
  const ClientRecord added = client("c1");
  ClientRecord bare{.client_id = "c2", .name = "Bare"};
  ASSERT_TRUE(store->add_client(added) && store->add_client(bare));
  ASSERT_TRUE(store->add_key(key("k1", "c1")) && store->add_secret(secret("s1", "c1")));
  EXPECT_EQ(**store->find_client("c1"), added);
  EXPECT_EQ(**store->find_client("c2"), bare);
  EXPECT_EQ(**store->find_key("k1"), key("k1", "c1"));
  EXPECT_EQ(**store->find_secret("s1"), secret("s1", "c1"));
}

TEST_F(RegistryStoreTest, FindsNothingUnderIdsThatAreNotThere) {
  const auto store = open();
  EXPECT_EQ(*store->find_client("c1"), std::nullopt);
  EXPECT_EQ(*store->find_key(""), std::nullopt);
  EXPECT_EQ(*store->find_secret("' OR 1=1 --"), std::nullopt);
  EXPECT_EQ(*store->find_cut_off(SubjectKind::token, "t"), std::nullopt);
}

TEST_F(RegistryStoreTest, ListsKeysAndSecretsOfOneClientOrOfAll) {
  const auto store = open();
  ASSERT_TRUE(store->add_client(client("c1")) && store->add_client(client("c2")));
  ASSERT_TRUE(store->add_key(key("k2", "c1")));
  clock_.advance(seconds(1));
  ASSERT_TRUE(store->add_key(key("k1", "c1")) && store->add_key(key("k3", "c2")));
  ASSERT_TRUE(store->add_secret(secret("s1", "c2")));
  const auto of_c1 = store->list_keys("c1");
  ASSERT_EQ(of_c1->size(), 2u);
  EXPECT_EQ((*of_c1)[0].key_id, "k2");
  EXPECT_EQ((*of_c1)[1].key_id, "k1");
  EXPECT_EQ(store->list_keys("")->size(), 3u);
  EXPECT_TRUE(store->list_keys("c9")->empty());
  EXPECT_TRUE(store->list_secrets("c1")->empty());
  EXPECT_EQ(store->list_secrets("")->size(), 1u);
  EXPECT_EQ(store->list_clients()->size(), 2u);
}

TEST_F(RegistryStoreTest, RefusesAnIdThatIsTaken) {
  const auto store = open();
  ASSERT_TRUE(store->add_client(client("c1")));
  EXPECT_EQ(store->add_client(client("c1")).error().code, "registry.duplicate");
  ASSERT_TRUE(store->add_key(key("k1", "c1")));
  EXPECT_EQ(store->add_key(key("k1", "c1")).error().code, "registry.duplicate");
  ASSERT_TRUE(store->add_secret(secret("s1", "c1")));
  EXPECT_EQ(store->add_secret(secret("s1", "c1")).error().kind, ErrorKind::conflict);
}

TEST_F(RegistryStoreTest, RefusesACertificateThatIdentifiesAnotherClient) {
  const auto store = open();
  ASSERT_TRUE(store->add_client(client("c1")));
  ClientRecord other = client("c2");
  other.certificates.thumbprints = {"fresh", "A-c1"};
  const auto refused = store->add_client(other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "registry.duplicate");
  EXPECT_THAT(refused.error().public_text, HasSubstr("thumbprint"));
  EXPECT_EQ(*store->find_client("c2"), std::nullopt);
  EXPECT_EQ(store->changes_since(0, 10)->head_seq, 1);
}

TEST_F(RegistryStoreTest, RefusesCredentialsOfAnUnknownClient) {
  const auto store = open();
  EXPECT_EQ(store->add_key(key("k1", "c1")).error().code, "registry.unknown_client");
  EXPECT_EQ(store->add_secret(secret("s1", "c1")).error().kind, ErrorKind::not_found);
  EXPECT_EQ(store->changes_since(0, 10)->head_seq, 0);
}

TEST_F(RegistryStoreTest, DisablesARevokedClientAndCutsItOff) {
  const auto store = open();
  ASSERT_TRUE(store->add_client(client("c1")));
  EXPECT_EQ(*store->revoke(revocation(SubjectKind::client, "c1")), 3);
  EXPECT_EQ((*store->find_client("c1"))->status, ClientStatus::disabled);
  const auto cut_off = store->find_cut_off(SubjectKind::client, "c1");
  ASSERT_TRUE(cut_off && *cut_off);
  EXPECT_EQ((*cut_off)->issued_at_or_before, clock_.wall_now());
  EXPECT_EQ((*cut_off)->reason, "leaked");
  EXPECT_EQ(store->changes_since(1, 10)->changes,
            (std::vector<Change>{{2, ChangedEntity::client, "c1"},
                                 {3, ChangedEntity::cut_off, "client:c1"}}));
}

TEST_F(RegistryStoreTest, MarksRevokedKeysAndSecretsAndKeepsTheFirstTime) {
  const auto store = open();
  ASSERT_TRUE(store->add_client(client("c1")) && store->add_key(key("k1", "c1")) &&
              store->add_secret(secret("s1", "c1")));
  const WallTime first = clock_.wall_now();
  ASSERT_TRUE(store->revoke(revocation(SubjectKind::credential, "k1")));
  ASSERT_TRUE(store->revoke(revocation(SubjectKind::credential, "s1")));
  clock_.advance(seconds(10));
  ASSERT_TRUE(store->revoke(revocation(SubjectKind::credential, "k1")));
  EXPECT_EQ((*store->find_key("k1"))->revoked_at, first);
  EXPECT_EQ((*store->find_secret("s1"))->revoked_at, first);
  EXPECT_EQ(store->changes_since(3, 1)->changes[0], (Change{4, ChangedEntity::key, "k1"}));
  EXPECT_EQ(store->changes_since(5, 1)->changes[0], (Change{6, ChangedEntity::secret, "s1"}));
}

TEST_F(RegistryStoreTest, RefusesToRevokeWhatItDoesNotKnow) {
  const auto store = open();
  EXPECT_EQ(store->revoke(revocation(SubjectKind::client, "c1")).error().code,
            "registry.unknown_client");
  EXPECT_EQ(store->revoke(revocation(SubjectKind::credential, "k1")).error().code,
            "registry.unknown_credential");
  EXPECT_EQ(*store->find_cut_off(SubjectKind::client, "c1"), std::nullopt);
  EXPECT_EQ(store->changes_since(0, 10)->head_seq, 0);
}

TEST_F(RegistryStoreTest, RevokesTokensAndCertificatesThatItHasNeverSeen) {
  const auto store = open();
  EXPECT_EQ(*store->revoke(revocation(SubjectKind::token, "t:1")), 1);
  EXPECT_EQ(*store->revoke(revocation(SubjectKind::certificate, "x5t")), 2);
  EXPECT_EQ(store->changes_since(0, 1)->changes[0].id, "token:t:1");
  EXPECT_EQ(parse_cut_off_id("token:t:1")->subject, "t:1");
  EXPECT_FALSE(parse_cut_off_id("nothing:t"));
  EXPECT_FALSE(parse_cut_off_id("token"));
}

TEST_F(RegistryStoreTest, MovesCutOffsForwardOnly) {
  const auto store = open();
  Revocation later = revocation(SubjectKind::token, "t");
  Revocation earlier = later;
  earlier.issued_at_or_before -= seconds(5);
  earlier.expires_at = *later.expires_at + hours(1);
  ASSERT_TRUE(store->revoke(later) && store->revoke(earlier));
  auto cut_off = **store->find_cut_off(SubjectKind::token, "t");
  EXPECT_EQ(cut_off.issued_at_or_before, later.issued_at_or_before);
  EXPECT_EQ(cut_off.expires_at, earlier.expires_at);
  earlier.expires_at = std::nullopt;
  ASSERT_TRUE(store->revoke(earlier) && store->revoke(later));
  EXPECT_EQ((*store->find_cut_off(SubjectKind::token, "t"))->expires_at, std::nullopt);
}

TEST_F(RegistryStoreTest, PurgesCutOffsAtTheirExpiryAndNotBefore) {
  const auto store = open();
  Revocation revoked = revocation(SubjectKind::token, "t");
  Revocation lasting = revocation(SubjectKind::certificate, "x");
  lasting.expires_at = std::nullopt;
  ASSERT_TRUE(store->revoke(revoked) && store->revoke(lasting));
  EXPECT_EQ(*store->purge_expired_cut_offs(*revoked.expires_at - microseconds(1)), 0);
  EXPECT_EQ(*store->purge_expired_cut_offs(*revoked.expires_at), 1);
  EXPECT_EQ(*store->find_cut_off(SubjectKind::token, "t"), std::nullopt);
  EXPECT_EQ(*store->purge_expired_cut_offs(WallTime::max()), 0);
  EXPECT_TRUE(*store->find_cut_off(SubjectKind::certificate, "x"));
}

TEST_F(RegistryStoreTest, LoadsEverythingAsOfOneSeq) {
  const auto store = open();
  ASSERT_TRUE(store->add_client(client("c1")) && store->add_key(key("k1", "c1")) &&
              store->add_secret(secret("s1", "c1")) &&
              store->revoke(revocation(SubjectKind::token, "t")));
  const auto all = store->load_all();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->seq, 4);
  EXPECT_EQ(all->clients.size(), 1u);
  EXPECT_EQ(all->keys.size(), 1u);
  EXPECT_EQ(all->secrets.size(), 1u);
  EXPECT_EQ(all->cut_offs.size(), 1u);
}

TEST_F(RegistryStoreTest, HandsChangesOutInOrderAndInPortions) {
  const auto store = open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->add_client(client("c" + std::to_string(i))));
  const auto batch = store->changes_since(1, 2);
  EXPECT_EQ(batch->head_seq, 5);
  EXPECT_EQ(batch->changes, (std::vector<Change>{{2, ChangedEntity::client, "c1"},
                                                 {3, ChangedEntity::client, "c2"}}));
  EXPECT_TRUE(store->changes_since(5, 10)->changes.empty());
  EXPECT_FALSE(store->changes_since(5, 10)->must_reload);
  EXPECT_TRUE(store->changes_since(6, 10)->must_reload);
}

TEST_F(RegistryStoreTest, TrimsOnlyWhatEveryLiveNodeHasApplied) {
  const auto store = open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store->add_client(client("c" + std::to_string(i))));
  ASSERT_TRUE(store->record_node({"slow", "1", 4, {}}));
  EXPECT_EQ(*store->trim_feed(live_for, 0), 4);
  EXPECT_FALSE(store->changes_since(4, 1)->must_reload);
  EXPECT_TRUE(store->changes_since(3, 1)->must_reload);
  EXPECT_EQ(*store->trim_feed(live_for, 0), 0);
  clock_.advance(live_for + microseconds(1));  // it is gone
  EXPECT_EQ(*store->trim_feed(live_for, 3), 3);
  EXPECT_EQ(store->changes_since(7, 10)->changes.size(), 3u);
  EXPECT_TRUE(store->changes_since(6, 10)->must_reload);
}

TEST_F(RegistryStoreTest, CountsANodeAsLiveFromItsHeartbeatOn) {
  const auto store = open();
  ASSERT_TRUE(store->record_node({"a", "1", 3, {}}));
  clock_.advance(live_for);
  EXPECT_EQ(*store->live_nodes(live_for),
            (std::vector<NodeRecord>{{"a", "1", 3, clock_.wall_now() - live_for}}));
  clock_.advance(microseconds(1));
  EXPECT_TRUE(store->live_nodes(live_for)->empty());
  ASSERT_TRUE(store->record_node({"a", "1", 5, {}}));
  EXPECT_EQ((*store->live_nodes(live_for))[0].applied_seq, 5);
}

TEST_F(RegistryStoreTest, DoesNotKeepANodeAliveBecauseTheClockWasSetBack) {
  const auto store = open();
  ASSERT_TRUE(store->record_node({"a", "1", 3, {}}));
  clock_.step_wall(-hours(1));
  EXPECT_TRUE(store->live_nodes(live_for)->empty());
}

TEST_F(RegistryStoreTest, TellsTwoProcessesOfOneNameApart) {
  const auto store = open();
  ASSERT_TRUE(store->record_node({"a", "1", 3, {}}) && store->record_node({"a", "2", 9, {}}));
  EXPECT_EQ(store->live_nodes(live_for)->size(), 2u);
  ASSERT_TRUE(store->remove_node("a", "1"));
  EXPECT_EQ((*store->live_nodes(live_for))[0].boot_id, "2");
}

TEST_F(RegistryStoreTest, WritesHeartbeatsWithoutMovingTheRecord) {
  const auto store = open();
  const auto reader = open();
  const auto before = reader->data_version();
  ASSERT_TRUE(store->record_node({"a", "1", 3, {}}));
  EXPECT_EQ(*reader->data_version(), *before);
  ASSERT_TRUE(store->add_client(client("c1")));
  EXPECT_NE(*reader->data_version(), *before);
}

TEST_F(RegistryStoreTest, AssignsSeqsWithoutGapsWhenManyWriteAtOnce) {
  constexpr int writers = 4;
  constexpr int each = 25;
  {
    const auto made = open();
  }
  std::vector<std::jthread> threads;
  std::atomic<int> failures = 0;
  for (int w = 0; w < writers; ++w) {
    threads.emplace_back([&, w] {
      const auto store = open({.busy_timeout = std::chrono::minutes(5)});
      for (int i = 0; i < each; ++i) {
        Revocation revoked =
            revocation(SubjectKind::token, std::to_string(w) + "." + std::to_string(i));
        if (!store->revoke(revoked)) ++failures;
      }
    });
  }
  // A reader beside them sees each seq exactly once and in order.
  const auto reader = open();
  int64_t seen = 0;
  while (seen < writers * each && failures == 0) {
    const auto batch = reader->changes_since(seen, 7);
    ASSERT_TRUE(batch);
    for (const Change& change : batch->changes) ASSERT_EQ(change.seq, ++seen);
  }
  threads.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(reader->load_all()->cut_offs.size(), static_cast<size_t>(writers * each));
}

TEST_F(RegistryStoreTest, HasBothOrNeitherOfChangeAndFeedEntryWhenAWriterIsKilled) {
  {
    const auto made = open();
  }
  for (int round = 0; round < 4; ++round) {
    std::array<int, 2> progress{};
    ASSERT_EQ(::pipe(progress.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto store = open();
      for (int i = 0;; ++i) {
        const auto done = store->revoke(
            revocation(SubjectKind::token, std::to_string(round) + "." + std::to_string(i)));
        if (!done || ::write(progress[1], "x", 1) != 1) ::_exit(1);
      }
    }
    ::close(progress[1]);
    char one;
    for (int i = 0; i < 5 + round; ++i) ASSERT_EQ(::read(progress[0], &one, 1), 1);
    ::kill(child, SIGKILL);  // somewhere in the middle of a revocation
    ::waitpid(child, nullptr, 0);
    ::close(progress[0]);
    const auto store = open();
    const auto all = store->load_all();
    EXPECT_EQ(static_cast<int64_t>(all->cut_offs.size()), all->seq);
    EXPECT_EQ(static_cast<int64_t>(store->changes_since(0, 1'000'000)->changes.size()), all->seq);
    EXPECT_GE(all->seq, 5 + round);
  }
}

TEST_F(RegistryStoreTest, RefusesARecordThatOthersMayRead) {
  {
    const auto made = open();
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  EXPECT_EQ(SqliteRegistryStore::open(path_, clock_).error().code, "store.file_permissions");
}

TEST_F(RegistryStoreTest, DoesNotMakeTheRecordUnlessAskedTo) {
  EXPECT_EQ(SqliteRegistryStore::open(path_, clock_, {.create = false}).error().kind,
            ErrorKind::misconfigured);
}

}  // namespace
}  // namespace countersign::store
