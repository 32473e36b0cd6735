#include "consumer/egress/egress_journal.h"

namespace countersign::consumer {

Task<Result<store::JournalStart>> EgressJournal::begin(Executor& loop, const JournalledCall& call,
                                                       const JournalledRequest& request,
                                                       BootTime deadline) {
  Bytes plain = serialize(request);
  auto sealed = key_.seal(plain, journal_identity(call.api, call.key), entropy_);
  wipe(plain);
  if (!sealed) co_return std::unexpected(std::move(sealed).error());
  store::JournalBegin entry{.api = std::string(call.api),
                            .key = std::string(call.key),
                            .key_sent = call.key_sent,
                            .key_honoured = call.key_honoured,
                            .digest = digest_of(request.method, request.target, request.body),
                            .sealed = *std::move(sealed),
                            .key_version = key_version_,
                            .hold_for = {}};
  const BootClock::duration hold = deadline - loop.now() + options_.hold_margin;
  entry.hold_for = std::chrono::ceil<std::chrono::microseconds>(hold);
  co_return co_await writer_.begin(loop, std::move(entry), deadline);
}

Result<JournalledRequest> open_journalled(const store::JournalEntry& entry,
                                          const crypto::AeadKey& key, uint32_t key_version) {
  if (entry.key_version != key_version) {
    return fail(ErrorKind::misconfigured, "journal.other_key",
                "the entry is sealed under another key");
  }
  CS_TRY(const Secret plain, key.open(entry.sealed, journal_identity(entry.api, entry.key)));
  return parse_journalled_request(plain.unsafe_reveal());
}

}  // namespace countersign::consumer
