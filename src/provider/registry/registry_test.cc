#include "provider/registry/registry.h"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "provider/registry/registry_view.h"
#include "store/receipt.h"
#include "store/sqlite_registry_store.h"
#include "support/fake_clock.h"
#include "support/temporary_folder.h"

namespace countersign::provider {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using store::ChangedEntity;
using store::SqliteRegistryStore;

crypto::Sha256Digest digest_of(uint8_t fill) {
  crypto::Sha256Digest digest{};
  digest.fill(fill);
  return digest;
}
std::string thumbprint_of(uint8_t fill) {
  return encode_base64url(digest_of(fill));
}

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() {
    auto store = SqliteRegistryStore::open(path_, clock_);
    if (!store) panic(store.error().for_log());
    store_ = *std::move(store);
    load();
  }
  void load() {
    const auto seq = registry_.reload(*store_);
    if (!seq) panic(seq.error().for_log());
    applied_ = *seq;
  }
  // What the feed watcher does.
  void follow() {
    const auto batch = store_->changes_since(applied_, 1000);
    if (!batch || !registry_.apply(*store_, batch->changes)) panic("the feed cannot be followed");
    applied_ = batch->head_seq;
    view_.sync();
  }
  void add_client(const std::string& id, std::vector<std::string> thumbprints = {},
                  std::vector<std::string> networks = {}) {
    store::ClientRecord client{.client_id = id, .name = "Acme", .scopes = {"a", "b"}};
    client.certificates.thumbprints = std::move(thumbprints);
    client.networks = std::move(networks);
    if (!store_->add_client(client)) panic("no client");
  }
  void add_key(const std::string& id, Bytes mac = Bytes(32, 1)) {
    const store::KeyRecord key{
        .key_id = id, .client_id = "c1", .mac = std::move(mac), .pepper_version = 1};
    if (!store_->add_key(key)) panic("no key");
  }
  int64_t cut_off(SubjectKind kind, const std::string& subject, WallTime at,
                  std::optional<WallTime> expires_at = std::nullopt) {
    const auto seq = store_->revoke({.kind = kind,
                                     .subject = subject,
                                     .issued_at_or_before = at,
                                     .reason = "",
                                     .revoked_at = at,
                                     .expires_at = expires_at});
    if (!seq) panic(seq.error().for_log());
    return *seq;
  }

  testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "registry.db";
  testing::FakeClock clock_;
  std::unique_ptr<SqliteRegistryStore> store_;
  std::vector<std::string> problems_;
  Registry registry_{{.max_staleness = milliseconds(2000), .on_problem = [this](const Error& e) {
                        problems_.push_back(e.private_detail);
                      }}};
  RegistryView view_{registry_};
  int64_t applied_ = 0;
};

TEST_F(RegistryTest, KnowsNothingAndIsStaleBeforeItWasLoaded) {
  const Registry fresh;
  RegistryView view(fresh);
  EXPECT_FALSE(view.sync());
  EXPECT_EQ(view.version(), 0u);
  EXPECT_EQ(view.find_client("c1"), nullptr);
  EXPECT_TRUE(view.is_stale(clock_.boot_now()));
  EXPECT_TRUE(view.is_stale(BootTime::min()));
}

TEST_F(RegistryTest, LoadsWhatTheStoreHolds) {
  add_client("c1", {thumbprint_of(1)}, {"10.0.0.0/8"});
  add_key("k1");
  ASSERT_TRUE(store_->add_secret(
      {.secret_id = "s1", .client_id = "c1", .mac = Bytes(32, 2), .pepper_version = 3}));
  cut_off(SubjectKind::token, "t1", clock_.wall_now());
  load();
  EXPECT_EQ(view_.find_client("c1"), nullptr);  // not before sync()
  EXPECT_TRUE(view_.sync());
  ASSERT_TRUE(view_.find_client("c1"));
  EXPECT_TRUE(view_.find_client("c1")->active());
  EXPECT_TRUE(view_.find_client("c1")->permits(*IpAddress::parse("10.1.2.3")));
  EXPECT_FALSE(view_.find_client("c1")->permits(*IpAddress::parse("11.1.2.3")));
  ASSERT_TRUE(view_.find_key("k1"));
  EXPECT_EQ(view_.find_key("k1")->mac, digest_of(1));
  ASSERT_TRUE(view_.find_secret("s1"));
  EXPECT_EQ(view_.find_secret("s1")->pepper_version, 3u);
  EXPECT_TRUE(view_.is_cut_off(SubjectKind::token, "t1", clock_.wall_now()));
}

TEST_F(RegistryTest, FindsNothingUnderOtherIds) {
  add_client("c1");
  follow();
  for (const std::string id : {"", "c", "c11", "C1", "c1\0"})
    EXPECT_EQ(view_.find_client(id + "x"), nullptr);
  EXPECT_EQ(view_.find_key("c1"), nullptr);
  EXPECT_EQ(view_.find_secret("c1"), nullptr);
  EXPECT_EQ(view_.find_client_by_certificate(digest_of(1)), nullptr);
}

TEST_F(RegistryTest, MovesItsVersionWithEachChangeAndOnlyThen) {
  view_.sync();
  const uint64_t before = view_.version();
  EXPECT_FALSE(view_.sync());
  EXPECT_EQ(view_.version(), before);
  add_client("c1");
  follow();
  EXPECT_GT(view_.version(), before);
}

TEST_F(RegistryTest, KeepsEntriesAliveForThoseWhoCopiedThem) {
  add_client("c1");
  follow();
  const ClientPtr kept = view_.find_client("c1");
  cut_off(SubjectKind::client, "c1", clock_.wall_now());
  follow();
  EXPECT_TRUE(kept->active());  // as it was
  EXPECT_FALSE(view_.find_client("c1")->active());
}

TEST_F(RegistryTest, ShowsARevokedKeyAsRevoked) {
  add_client("c1");
  add_key("k1");
  follow();
  EXPECT_FALSE(view_.find_key("k1")->revoked());
  cut_off(SubjectKind::credential, "k1", clock_.wall_now());
  follow();
  EXPECT_TRUE(view_.find_key("k1")->revoked());
  EXPECT_TRUE(view_.is_cut_off(SubjectKind::credential, "k1", clock_.wall_now()));
}

TEST_F(RegistryTest, FindsAClientByEachOfItsCertificates) {
  add_client("c1", {thumbprint_of(1), thumbprint_of(2)});
  add_client("c2", {thumbprint_of(3)});
  follow();
  EXPECT_EQ(view_.find_client_by_certificate(digest_of(1)), view_.find_client("c1"));
  EXPECT_EQ(view_.find_client_by_certificate(digest_of(2)), view_.find_client("c1"));
  EXPECT_EQ(view_.find_client_by_certificate(digest_of(3)), view_.find_client("c2"));
  cut_off(SubjectKind::client, "c1", clock_.wall_now());
  follow();
  EXPECT_FALSE(view_.find_client_by_certificate(digest_of(1))->active());
}

TEST_F(RegistryTest, CutsOffWhatWasIssuedAtTheVeryTimeAndNotJustAfter) {
  const WallTime at = clock_.wall_now();
  add_client("c1");
  add_key("k1");
  cut_off(SubjectKind::client, "c1", at);
  cut_off(SubjectKind::credential, "k1", at);
  cut_off(SubjectKind::token, "t1", at);
  cut_off(SubjectKind::certificate, thumbprint_of(1), at);
  follow();
  const std::array<std::pair<SubjectKind, std::string>, 4> subjects{
      {{SubjectKind::client, "c1"},
       {SubjectKind::credential, "k1"},
       {SubjectKind::token, "t1"},
       {SubjectKind::certificate, thumbprint_of(1)}}};
  for (const auto& [kind, subject] : subjects) {
    EXPECT_TRUE(view_.is_cut_off(kind, subject, at - hours(1)));
    EXPECT_TRUE(view_.is_cut_off(kind, subject, at));
    EXPECT_FALSE(view_.is_cut_off(kind, subject, at + microseconds(1)));
  }
  EXPECT_TRUE(view_.is_cut_off(digest_of(1), at));
  EXPECT_FALSE(view_.is_cut_off(digest_of(1), at + microseconds(1)));
  EXPECT_FALSE(view_.is_cut_off(digest_of(2), at));
  EXPECT_FALSE(view_.is_cut_off(SubjectKind::token, "c1", at));  // kinds are apart
}

TEST_F(RegistryTest, TreatsAThumbprintThatIsNoneAsCutOff) {
  EXPECT_TRUE(view_.is_cut_off(SubjectKind::certificate, "", clock_.wall_now()));
  EXPECT_TRUE(view_.is_cut_off(SubjectKind::certificate, "not a thumbprint", clock_.wall_now()));
}

TEST_F(RegistryTest, LeavesOutRecordsThatDoNotParseAndNamesThem) {
  add_client("c1");
  add_client("c2", {}, {"10.0.0.0/8", "nonsense"});
  add_client("c3", {"too-short"});
  follow();
  EXPECT_TRUE(view_.find_client("c1"));
  EXPECT_EQ(view_.find_client("c2"), nullptr);
  EXPECT_EQ(view_.find_client("c3"), nullptr);
  ASSERT_EQ(problems_.size(), 2u);
  EXPECT_THAT(problems_[0], ::testing::HasSubstr("client \"c2\", networks"));
  EXPECT_THAT(problems_[1], ::testing::HasSubstr("client \"c3\", thumbprints"));
  load();
  view_.sync();
  EXPECT_EQ(view_.find_client("c2"), nullptr);
}

TEST_F(RegistryTest, ChangesNothingIfAChangeOfTheBatchCannotBeApplied) {
  add_client("c1");
  view_.sync();
  const uint64_t before = view_.version();
  const std::array changes{store::Change{1, ChangedEntity::client, "c1"},
                           store::Change{2, ChangedEntity::cut_off, "nonsense"}};
  EXPECT_FALSE(registry_.apply(*store_, changes));
  EXPECT_FALSE(view_.sync());
  EXPECT_EQ(view_.version(), before);
  EXPECT_EQ(view_.find_client("c1"), nullptr);
}

TEST_F(RegistryTest, ForgetsWhatIsGoneFromTheStore) {
  add_client("c1", {thumbprint_of(1)});
  follow();
  const std::array changes{store::Change{9, ChangedEntity::client, "c1"}};
  auto other = SqliteRegistryStore::open(folder_ / "empty.db", clock_);
  ASSERT_TRUE(registry_.apply(**other, changes));
  view_.sync();
  EXPECT_EQ(view_.find_client("c1"), nullptr);
  EXPECT_EQ(view_.find_client_by_certificate(digest_of(1)), nullptr);
}

TEST_F(RegistryTest, DropsCutOffsAtTheirExpiryAndNotBefore) {
  const WallTime now = clock_.wall_now();
  cut_off(SubjectKind::token, "t1", now, now + hours(1));
  cut_off(SubjectKind::token, "t2", now);
  follow();
  const uint64_t before = view_.version();
  registry_.housekeep(now + hours(1) - microseconds(1));
  EXPECT_FALSE(view_.sync());
  EXPECT_EQ(view_.version(), before);
  registry_.housekeep(now + hours(1));
  EXPECT_TRUE(view_.sync());
  EXPECT_FALSE(view_.is_cut_off(SubjectKind::token, "t1", now));
  EXPECT_TRUE(view_.is_cut_off(SubjectKind::token, "t2", now));
}

TEST_F(RegistryTest, IsStaleOnceItWasSilentForLongerThanAllowed) {
  const BootTime heard = clock_.boot_now();
  EXPECT_TRUE(view_.is_stale(heard));
  registry_.heard(heard);
  EXPECT_FALSE(view_.is_stale(heard));
  EXPECT_FALSE(view_.is_stale(heard + milliseconds(2000)));
  EXPECT_TRUE(view_.is_stale(heard + milliseconds(2000) + nanoseconds(1)));
  EXPECT_EQ(registry_.last_heard(), heard);
}

TEST_F(RegistryTest, ShowsAConfirmedChangeToEveryDecisionThatStartsAfterwards) {
  constexpr int changes = 300;
  const WallTime at = clock_.wall_now();
  std::vector<std::string> tokens;
  for (int i = 0; i <= changes; ++i) tokens.push_back("t" + std::to_string(i));
  std::atomic<int> confirmed = 0;
  std::atomic<int> missed = 0;
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      RegistryView view(registry_);
      for (int known = 0; known < changes;) {
        known = confirmed.load(std::memory_order_acquire);
        view.sync();
        if (known > 0 &&
            !view.is_cut_off(SubjectKind::token, tokens[static_cast<size_t>(known)], at))
          ++missed;
      }
    });
  }
  for (int i = 1; i <= changes; ++i) {
    cut_off(SubjectKind::token, tokens[static_cast<size_t>(i)], at);
    const auto batch = store_->changes_since(applied_, 10);
    if (!registry_.apply(*store_, batch->changes)) panic("not applied");
    applied_ = batch->head_seq;
    confirmed.store(i, std::memory_order_release);
  }
  readers.clear();
  EXPECT_EQ(missed, 0);
}

TEST_F(RegistryTest, RefusesOnEveryThreadOnceARevocationOfAnotherConnectionHasItsReceipt) {
  const SystemClock clock;
  add_client("c1");
  add_key("k1");
  Registry registry;
  auto watcher = store::FeedWatcher::create({.path = path_, .node_name = "gw", .boot_id = "b"},
                                            registry, clock);
  ASSERT_TRUE(watcher);
  std::atomic<bool> receipt_seen = false;
  std::atomic<int> accepted_after = 0;
  std::atomic<int> accepted_before = 0;
  std::vector<std::jthread> deciders;
  for (int i = 0; i < 2; ++i) {
    deciders.emplace_back([&] {
      RegistryView view(registry);
      for (bool last = false; !last;) {
        last = receipt_seen.load(std::memory_order_acquire);
        view.sync();
        const bool accepted = view.find_key("k1") && !view.find_key("k1")->revoked();
        if (accepted) ++(last ? accepted_after : accepted_before);
      }
    });
  }
  while (accepted_before == 0) std::this_thread::yield();
  auto revoker = SqliteRegistryStore::open(path_, clock);
  const auto seq = (*revoker)->revoke({.kind = SubjectKind::credential,
                                       .subject = "k1",
                                       .issued_at_or_before = clock.wall_now(),
                                       .reason = "leaked",
                                       .revoked_at = clock.wall_now(),
                                       .expires_at = std::nullopt});
  const auto receipt =
      store::wait_for_receipt(**revoker, *seq, BootTime::max(), clock,
                              [](nanoseconds pause) { std::this_thread::sleep_for(pause); });
  receipt_seen.store(true, std::memory_order_release);
  deciders.clear();
  ASSERT_TRUE(receipt);
  EXPECT_TRUE(receipt->complete());
  EXPECT_EQ(receipt->confirmed.size(), 1u);
  EXPECT_EQ(accepted_after, 0);
}

TEST(ShardedMap, SharesWhatDidNotChangeBetweenVersions) {
  ShardedMap<int>::Editor first({});
  for (int i = 0; i < 5000; ++i) first.set("key" + std::to_string(i), i);
  const ShardedMap<int> old = first.finish();
  ShardedMap<int>::Editor second(old);
  second.set("key7", -7);
  second.erase("key8");
  second.erase("absent");
  second.set("new", 1);
  const ShardedMap<int> changed = second.finish();
  EXPECT_EQ(*old.find("key7"), 7);
  EXPECT_EQ(*old.find("key8"), 8);
  EXPECT_EQ(old.find("new"), nullptr);
  EXPECT_EQ(*changed.find("key7"), -7);
  EXPECT_EQ(changed.find("key8"), nullptr);
  EXPECT_EQ(changed.size(), 5000u);
  int shared = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "key" + std::to_string(i);
    if (old.find(key) == changed.find(key)) ++shared;
  }
  EXPECT_GT(shared, 4800);  // all but the entries of three shards of 256
}

TEST(ShardedMap, ErasesByPredicate) {
  ShardedMap<int>::Editor editor({});
  for (int i = 0; i < 100; ++i) editor.set("key" + std::to_string(i), i);
  editor.erase_if([](int value) { return value % 2 == 0; });
  const ShardedMap<int> odd = editor.finish();
  EXPECT_EQ(odd.size(), 50u);
  EXPECT_EQ(odd.find("key4"), nullptr);
  EXPECT_EQ(*odd.find("key5"), 5);
}

}  // namespace
}  // namespace countersign::provider
