// libpq, loaded when a PostgreSQL is first named and not before: it brings a dozen libraries
// (GnuTLS, LDAP, Kerberos) that a process on SQLite should neither map nor wait for. Once loaded it
// stays.

#pragma once

#include <libpq-fe.h>

#include "core/result.h"

namespace countersign::store {

// The functions that are used, by libpq's names without "PQ".
struct Libpq {
  decltype(&PQbackendPID) backend_pid;
  decltype(&PQclear) clear;
  decltype(&PQcmdStatus) cmd_status;
  decltype(&PQcmdTuples) cmd_tuples;
  decltype(&PQconnectPoll) connect_poll;
  decltype(&PQconnectStartParams) connect_start_params;
  decltype(&PQconninfoFree) conninfo_free;
  decltype(&PQconninfoParse) conninfo_parse;
  decltype(&PQconsumeInput) consume_input;
  decltype(&PQerrorMessage) error_message;
  decltype(&PQfinish) finish;
  decltype(&PQflush) flush;
  decltype(&PQfreemem) freemem;
  decltype(&PQftype) ftype;
  decltype(&PQgetisnull) get_is_null;
  decltype(&PQgetlength) get_length;
  decltype(&PQgetResult) get_result;
  decltype(&PQgetvalue) get_value;
  decltype(&PQisBusy) is_busy;
  decltype(&PQnfields) nfields;
  decltype(&PQntuples) ntuples;
  decltype(&PQresultErrorField) result_error_field;
  decltype(&PQresultStatus) result_status;
  decltype(&PQsendPrepare) send_prepare;
  decltype(&PQsendQuery) send_query;
  decltype(&PQsendQueryParams) send_query_params;
  decltype(&PQsendQueryPrepared) send_query_prepared;
  decltype(&PQsetnonblocking) set_nonblocking;
  decltype(&PQsetNoticeReceiver) set_notice_receiver;
  decltype(&PQsocket) socket;
  decltype(&PQstatus) status;
  decltype(&PQtransactionStatus) transaction_status;
};

// `store.no_libpq` (misconfigured): the library is not installed, or is another than expected; it
// says which package has it. Thread-safe. A failure is tried again by the next call.
Result<void> load_libpq();

// Only after load_libpq() has returned a value: whoever has a connection or a parsed connection
// string may call it.
const Libpq& libpq();

}  // namespace countersign::store
