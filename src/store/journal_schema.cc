#include "store/journal_schema.h"

#include <array>

namespace countersign::store {
namespace {

// Times are microseconds since 1970. The partial indexes hold what reconcile and purge look for.
constexpr std::array<Migration, 1> journal{{
    {1, "journal", R"sql(
CREATE TABLE journal (
  api TEXT NOT NULL,
  key TEXT NOT NULL,
  key_sent INTEGER NOT NULL CHECK (key_sent IN (0, 1)),
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  sealed BLOB NOT NULL,
  key_version INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'answered', 'not_sent', 'unknown')),
  status INTEGER NOT NULL,
  code TEXT NOT NULL,
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  maybe_processed INTEGER NOT NULL CHECK (maybe_processed IN (0, 1)),
  begun_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  held_until INTEGER NOT NULL,
  PRIMARY KEY (api, key)
) STRICT;
CREATE INDEX journal_unresolved ON journal (api, key) WHERE state IN ('pending', 'unknown');
CREATE INDEX journal_finished ON journal (changed_at) WHERE state IN ('answered', 'not_sent');

-- One row: the number of entries, so that no write has to count them.
CREATE TABLE journal_size (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  entries INTEGER NOT NULL
) STRICT;
INSERT INTO journal_size (one, entries) VALUES (1, 0);
)sql"},
}};

}  // namespace

std::span<const Migration> journal_migrations() {
  return journal;
}

}  // namespace countersign::store
