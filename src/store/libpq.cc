#include "store/libpq.h"

#include <atomic>
#include <string>
#include <string_view>

#include <dlfcn.h>

namespace countersign::store {
namespace {

constexpr const char* library = "libpq.so.5";

std::atomic<const Libpq*> loaded = nullptr;

Result<Libpq> load_functions(void* handle) {
  Libpq table{};
  std::string_view missing;
  const auto load = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (function == nullptr) missing = name;
  };
  load(table.backend_pid, "PQbackendPID");
  load(table.clear, "PQclear");
  load(table.cmd_status, "PQcmdStatus");
  load(table.cmd_tuples, "PQcmdTuples");
  load(table.connect_poll, "PQconnectPoll");
  load(table.connect_start_params, "PQconnectStartParams");
  load(table.conninfo_free, "PQconninfoFree");
  load(table.conninfo_parse, "PQconninfoParse");
  load(table.consume_input, "PQconsumeInput");
  load(table.error_message, "PQerrorMessage");
  load(table.finish, "PQfinish");
  load(table.flush, "PQflush");
  load(table.freemem, "PQfreemem");
  load(table.ftype, "PQftype");
  load(table.get_is_null, "PQgetisnull");
  load(table.get_length, "PQgetlength");
  load(table.get_result, "PQgetResult");
  load(table.get_value, "PQgetvalue");
  load(table.is_busy, "PQisBusy");
  load(table.nfields, "PQnfields");
  load(table.ntuples, "PQntuples");
  load(table.result_error_field, "PQresultErrorField");
  load(table.result_status, "PQresultStatus");
  load(table.send_prepare, "PQsendPrepare");
  load(table.send_query, "PQsendQuery");
  load(table.send_query_params, "PQsendQueryParams");
  load(table.send_query_prepared, "PQsendQueryPrepared");
  load(table.set_nonblocking, "PQsetnonblocking");
  load(table.set_notice_receiver, "PQsetNoticeReceiver");
  load(table.socket, "PQsocket");
  load(table.status, "PQstatus");
  load(table.transaction_status, "PQtransactionStatus");
  if (missing.empty()) return table;
  return fail(
      ErrorKind::misconfigured, "store.no_libpq",
      "PostgreSQL's client library is too old or not libpq: it lacks " + std::string(missing));
}

}  // namespace

Result<void> load_libpq() {
  if (loaded.load(std::memory_order_acquire) != nullptr) return {};
  void* const handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    const char* why = dlerror();
    return fail(ErrorKind::misconfigured, "store.no_libpq",
                "PostgreSQL's client library is not installed: install the package libpq5",
                why != nullptr ? why : library);
  }
  CS_TRY(const Libpq table, load_functions(handle));
  // Never freed: connections may end as late as the process. Of two that load at once, one counts.
  const auto* const made = new Libpq(table);
  const Libpq* none = nullptr;
  if (!loaded.compare_exchange_strong(none, made, std::memory_order_acq_rel)) delete made;
  return {};
}

const Libpq& libpq() {
  const Libpq* const table = loaded.load(std::memory_order_acquire);
  if (table == nullptr) panic("libpq is used before it was loaded");
  return *table;
}

}  // namespace countersign::store
