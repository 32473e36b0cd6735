#include "consumer/journal_writer.h"

#include <optional>
#include <utility>

namespace countersign::consumer {
namespace {

// Kept while the database refuses them; beyond that the oldest entries stay pending.
constexpr size_t ends_kept_max = 100'000;

}  // namespace

struct JournalWriter::Begin {
  store::JournalBegin entry;
  bool abandoned = false;  // nobody waits for it any more
  std::optional<Result<store::JournalStart>> result = {};
};

// Used by the loops' threads and the worker's; the journal by the worker's alone.
struct JournalWriter::Shared {
  Shared(std::unique_ptr<store::Journal> opened, const Clock& system_clock, const Log& process_log,
         JournalWriterOptions chosen)
      : journal(std::move(opened)), clock(system_clock), log(process_log), options(chosen) {}

  void commit_waiting();
  void purge_if_due();
  void give_results(std::vector<std::shared_ptr<Begin>>& batch,
                    const Result<std::vector<store::JournalStart>>& starts);
  void note(const Result<std::vector<store::JournalStart>>& starts);

  const std::unique_ptr<store::Journal> journal;
  const Clock& clock;
  const Log& log;
  const JournalWriterOptions options;

  std::mutex mutex;  // guards what follows, and the members of each Begin
  std::vector<std::shared_ptr<Begin>> begins;
  std::vector<store::JournalEnd> ends;
  bool ends_queued = false;  // a job is on its way that takes them along

  // The worker's own.
  BootTime purge_due = BootTime::min();
  bool failing = false;
};

namespace {

store::JournalEnd not_sent(const store::JournalBegin& entry, uint64_t attempt) {
  return {.api = entry.api,
          .key = entry.key,
          .attempt = attempt,
          .state = store::JournalState::not_sent,
          .code = "journal.given_up"};
}

bool has_started(const std::optional<Result<store::JournalStart>>& result) {
  return result && *result && (*result)->verdict == store::JournalVerdict::started;
}

}  // namespace

// A begin() under way: what it leaves behind says that nothing was sent.
class JournalWriter::Waiting final {
 public:
  Waiting(Shared& shared, std::shared_ptr<Begin> begin)
      : shared_(shared), begin_(std::move(begin)) {
    const std::lock_guard lock(shared_.mutex);
    shared_.begins.push_back(begin_);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (taken_) return;
    const std::lock_guard lock(shared_.mutex);
    begin_->abandoned = true;
    if (has_started(begin_->result))
      shared_.ends.push_back(not_sent(begin_->entry, (*begin_->result)->attempt));
  }
  Result<store::JournalStart> take() {
    const std::lock_guard lock(shared_.mutex);
    taken_ = true;
    return *std::move(begin_->result);
  }

 private:
  Shared& shared_;
  std::shared_ptr<Begin> begin_;
  bool taken_ = false;
};

JournalWriter::JournalWriter(std::unique_ptr<store::Journal> journal, const Clock& clock,
                             const Log& log, JournalWriterOptions options)
    : shared_(std::make_shared<Shared>(std::move(journal), clock, log, options)),
      worker_(std::make_unique<Worker>(Worker::Options{.queue_max = options.waiting_max})) {}

JournalWriter::~JournalWriter() {
  worker_ = nullptr;
  shared_->commit_waiting();
}

// Each begin() has a job of its own, but the first of them to run commits all that have come by
// then; the others find their result.
Task<Result<store::JournalStart>> JournalWriter::begin(Executor& loop, store::JournalBegin entry,
                                                       BootTime deadline) {
  auto begin = std::make_shared<Begin>(std::move(entry));
  Waiting waiting(*shared_, begin);
  CS_CO_CHECK(co_await run_on<void>(
      *worker_, loop,
      [shared = shared_, begin]() -> Result<void> {
        bool done = false;
        {
          const std::lock_guard lock(shared->mutex);
          done = begin->result.has_value() || begin->abandoned;
        }
        if (!done) shared->commit_waiting();
        shared->purge_if_due();
        return {};
      },
      deadline));
  co_return waiting.take();
}

void JournalWriter::end(store::JournalEnd end) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->ends.size() >= ends_kept_max) shared_->ends.erase(shared_->ends.begin());
  shared_->ends.push_back(std::move(end));
  if (shared_->ends_queued) return;
  // If the queue is full, the jobs in it take this one along.
  shared_->ends_queued = worker_->submit([shared = shared_] {
    shared->commit_waiting();
    shared->purge_if_due();
  });
}

void JournalWriter::Shared::commit_waiting() {
  std::vector<std::shared_ptr<Begin>> batch;
  std::vector<store::JournalEnd> ended;
  std::vector<store::JournalBegin> entries;
  {
    const std::lock_guard lock(mutex);
    std::erase_if(begins, [](const auto& begin) { return begin->abandoned; });
    batch.swap(begins);
    ended.swap(ends);
    ends_queued = false;
    entries.reserve(batch.size());
    for (const auto& begin : batch) entries.push_back(begin->entry);
  }
  if (entries.empty() && ended.empty()) return;
  const auto starts = journal->write(entries, ended, options.limits.entries_max);
  note(starts);
  const std::lock_guard lock(mutex);
  if (!starts) ends.insert(ends.begin(), ended.begin(), ended.end());
  give_results(batch, starts);
}

void JournalWriter::Shared::give_results(std::vector<std::shared_ptr<Begin>>& batch,
                                         const Result<std::vector<store::JournalStart>>& starts) {
  for (size_t i = 0; i < batch.size(); ++i) {
    Begin& begin = *batch[i];
    if (!starts) {
      begin.result = fail(starts.error());
      continue;
    }
    begin.result = (*starts)[i];
    if (begin.abandoned && has_started(begin.result))
      ends.push_back(not_sent(begin.entry, (*starts)[i].attempt));
    if ((*starts)[i].verdict == store::JournalVerdict::full) purge_due = BootTime::min();
  }
}

// One line when it begins and one when it ends: each refused call has its line in the access log.
void JournalWriter::Shared::note(const Result<std::vector<store::JournalStart>>& starts) {
  if (!starts && !failing) log.error("journal.failing", {{"error", starts.error()}});
  if (starts && failing) log.info("journal.recovered");
  failing = !starts;
}

void JournalWriter::Shared::purge_if_due() {
  const BootTime now = clock.boot_now();
  if (now < purge_due) return;
  const auto purged = journal->purge(options.limits, options.purged_at_once);
  if (!purged) log.warning("journal.purge_failed", {{"error", purged.error()}});
  // More is left: the next end goes on, so that no commit waits long for a purge.
  const bool more = purged && *purged >= options.purged_at_once;
  purge_due = more ? now : now + options.purge_interval;
}

}  // namespace countersign::consumer
