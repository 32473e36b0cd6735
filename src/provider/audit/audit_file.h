// AuditFile: the audit log on disk. Chains the lines (audit_chain.h), writes signed checkpoints,
// rotates, and lets several processes write to one log: gateways and the commands that change the
// record. Each append holds the lock file PATH.lock and goes on behind whatever is last, so that
// there is one chain, whoever writes.
//
// It blocks: on the disk, and on the lock for at most `lock_patience`. It belongs on a thread that
// may wait (audit_writer.h), never on an event loop.
//
// What a crash leaves: a line that broke off at the end of the file. The next writer ends it with a
// line feed and binds it into the chain by a `log_repaired` line. An append that fails is taken
// back, so that there is all of it or nothing.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"
#include "crypto/key.h"
#include "provider/audit/audit_chain.h"
#include "provider/audit/audit_files.h"
#include "provider/audit/audit_record.h"
#include "provider/audit/audit_sink.h"

namespace countersign::provider {

struct AuditFileOptions {
  std::string path;
  std::string node = "gateway";  // names this process in its lines
  crypto::PrivateKey key;        // signs checkpoints
  // Someone who can write to the file but has not the key can rewrite what stands behind the last
  // checkpoint: at most this long's lines.
  std::chrono::milliseconds checkpoint_every{10'000};
  uint64_t rotate_bytes = 256 * 1024 * 1024;  // set aside when it has grown to this; 0: never
  uint32_t keep_files = 0;                    // of those set aside; older ones are deleted; 0: all
  // Another writer holds the lock while it writes a few lines. Longer, and this one's log is
  // broken.
  std::chrono::milliseconds lock_patience{5'000};
};

class AuditFile final : public AuditSink {
 public:
  // Opens or makes the file, 0600, and writes a `log_opened` line. `audit.open_failed`
  // (misconfigured) if that is not possible. `clock` outlives it.
  static Result<std::unique_ptr<AuditFile>> open(AuditFileOptions options, const Clock& clock);
  // Writes a checkpoint over what has none, as far as that goes.
  ~AuditFile() override;
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;

  int append(std::string_view lines) override;
  int sync() override;
  Result<void> reopen() override;

 private:
  AuditFile(AuditFileOptions options, const Clock& clock);
  class Lock;

  int write_opening();
  // All of these under the lock. 0 or an errno.
  int follow();
  int open_path();
  int take_over_tail();
  int begin_file();
  int write_lines(std::string_view lines, bool with_checkpoint);
  int write_text(std::string_view text);
  int rotate();
  void prune();
  int write_head_file();

  bool checkpoint_is_due() const;
  // Behind the lines that are in `out` already.
  int add_checkpoint(std::string& out);
  void add_line(std::string& out, const AuditRecord& record);

  AuditFileOptions options_;
  const Clock& clock_;
  AuditLineWriter lines_;
  ChainWriter chain_;
  int lock_ = -1;
  int file_ = -1;
  uint64_t end_ = 0;          // of the file, where our view of it ends
  uint64_t file_number_ = 1;  // counts the files of the log
  uint64_t unsigned_lines_ = 0;
  BootTime last_checkpoint_{};
  std::string last_checkpoint_line_;
  bool head_is_due_ = false;    // the head file is older than the last checkpoint
  bool folder_is_due_ = false;  // a file was opened whose name may not be on disk
  bool broken_ = false;         // the last append failed
  bool distrusted_ = false;     // a sync failed: what the file really holds is not known
};

}  // namespace countersign::provider
