#include "consumer/egress/egress_journal.h"

#include "store/rekey.h"

namespace countersign::consumer {

Task<Result<store::JournalStart>> EgressJournal::begin(Executor& loop, const JournalledCall& call,
                                                       const JournalledRequest& request,
                                                       BootTime deadline) {
  Bytes plain = serialize(request);
  const std::string name = store::journal_row_name(call.api, call.key);
  auto sealed = keys_.seal(plain, store::journal_row_of(name), entropy_);
  wipe(plain);
  if (!sealed) co_return std::unexpected(std::move(sealed).error());
  store::JournalBegin entry{.api = std::string(call.api),
                            .key = std::string(call.key),
                            .key_sent = call.key_sent,
                            .key_honoured = call.key_honoured,
                            .digest = digest_of(request.method, request.target, request.body),
                            .sealed = std::move(sealed->bytes),
                            .key_version = sealed->key_version,
                            .hold_for = {}};
  const BootClock::duration hold = deadline - loop.now() + options_.hold_margin;
  entry.hold_for = std::chrono::ceil<std::chrono::microseconds>(hold);
  co_return co_await writer_.begin(loop, std::move(entry), deadline);
}

Result<JournalledRequest> open_journalled(const store::JournalEntry& entry,
                                          const store::SealingKeys& keys) {
  const std::string name = store::journal_row_name(entry.api, entry.key);
  CS_TRY(const Secret plain,
         keys.open(entry.sealed, entry.key_version, store::journal_row_of(name)));
  return parse_journalled_request(plain.unsafe_reveal());
}

}  // namespace countersign::consumer
