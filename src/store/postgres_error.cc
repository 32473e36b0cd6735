#include "store/postgres_error.h"

#include <algorithm>
#include <array>
#include <string>

namespace countersign::store {
namespace {

struct Row {
  std::string_view prefix;  // of SQLSTATEs; the first row that fits counts
  ErrorKind kind;
  std::string_view code;
  std::string_view public_text;
  bool message_is_harmless;  // holds no value that was stored or bound
};

constexpr std::string_view unreachable = "the database cannot be reached";
constexpr std::string_view busy = "the database is busy; try again";

constexpr auto rows = std::to_array<Row>({
    {"23505", ErrorKind::conflict, "store.duplicate", "this is recorded already", true},
    {"23", ErrorKind::conflict, "store.constraint", "this contradicts what is recorded", false},
    {"55P03", ErrorKind::unavailable, "store.busy", busy, true},
    {"40", ErrorKind::unavailable, "store.busy", busy, true},
    {"57014", ErrorKind::unavailable, "store.busy", busy, true},
    {"53100", ErrorKind::unavailable, "store.full", "the database has no space left", true},
    {"58", ErrorKind::unavailable, "store.io_error", "the database cannot be read or written",
     true},
    {"08", ErrorKind::unavailable, "store.unavailable", unreachable, true},
    {"25P03", ErrorKind::unavailable, "store.unavailable", unreachable, true},
    {"26000", ErrorKind::unavailable, "store.unavailable", unreachable, true},
    {"53", ErrorKind::unavailable, "store.unavailable", unreachable, true},
    {"57", ErrorKind::unavailable, "store.unavailable", unreachable, true},
    {"25006", ErrorKind::misconfigured, "store.read_only", "the database may not be written", true},
    {"42501", ErrorKind::misconfigured, "store.read_only", "the database may not be written", true},
    {"28", ErrorKind::misconfigured, "store.unavailable", unreachable, true},
    {"3D", ErrorKind::misconfigured, "store.unavailable", unreachable, true},
    {"XX001", ErrorKind::corrupt, "store.corrupt", "stored data is damaged", true},
    {"XX002", ErrorKind::corrupt, "store.corrupt", "stored data is damaged", true},
    {"22001", ErrorKind::too_large, "store.too_large", "this is too large to be recorded", true},
    {"54", ErrorKind::too_large, "store.too_large", "this is too large to be recorded", true},
    {"42", ErrorKind::internal, "store.sql", "the database refused a statement", true},
    {"25", ErrorKind::internal, "store.sql", "the database refused a statement", true},
    {"", ErrorKind::internal, "store.sql", "the database refused a statement", false},
});

}  // namespace

Error postgres_error(std::string_view sqlstate, std::string_view message,
                     std::string_view database) {
  const auto row =
      std::ranges::find_if(rows, [&](const Row& r) { return sqlstate.starts_with(r.prefix); });
  std::string detail(database);
  if (row->message_is_harmless) detail.append(": ").append(message);
  detail.append(" [").append(sqlstate).append("]");
  return make_error(row->kind, row->code, row->public_text, detail);
}

bool ends_session(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate == "25006" ||
         sqlstate == "25P03" || sqlstate == "26000";
}

}  // namespace countersign::store
