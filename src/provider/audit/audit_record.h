// AuditRecord: what one line of the audit log says. Views only: it is assembled, written and gone
// within one call.
//
// It has no place for a secret: credentials appear by their id, tokens by their `jti`, certificates
// by a thumbprint. Texts from outside (method, path, detail) are escaped by the line's writer, and
// cut where they are longer than `audit_text_bytes_max`.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/ip_address.h"

namespace countersign::provider {

// Longer texts are cut and end with "[cut]": a line has an end that a reader can rely on.
inline constexpr size_t audit_text_bytes_max = 2048;

enum class AuditEvent {
  log_opened,    // this process begins or goes on writing: start, rotation
  request,       // the gateway decided about a request
  request_open,  // the gateway let a request pass, and its answer is not there yet; a `request`
                 // line follows
  token,         // the issuer granted or refused a token
  change_begun,  // an operator, or a rule of this provider, is about to change the record
  change,        // how that ended
  alert,         // a rule of the watch saw something (watch_rules.h)
  log_repaired,  // what a crash left of a line stands before this one
  log_pruned,    // a file that was set aside is deleted: its lines are no longer there
};

enum class AuditOutcome {
  none,   // nothing was decided
  allow,  // for a request: it was passed on; `status` is the upstream's
  deny,
};

std::string_view name_of(AuditEvent event);
std::string_view name_of(AuditOutcome outcome);

// Members that are empty (or zero, or negative for the time) are left out of the line.
struct AuditRecord {
  AuditEvent event = AuditEvent::request;
  AuditOutcome outcome = AuditOutcome::none;
  std::string_view decision_id{};
  std::string_view reason{};  // reason code of a denial, or of an allowed request that failed later
  std::string_view client{};
  std::string_view credential_id{};
  std::string_view scheme{};
  std::string_view token_id{};
  std::string_view scopes{};  // space-separated: those granted (token)
  std::string_view method{};
  std::string_view route{};  // path template: "/v1/payments/{id}"
  std::string_view path{};   // without the query, which may hold personal data
  int status = 0;            // as answered
  const IpAddress* remote = nullptr;
  ByteView
      certificate_thumbprint{};  // SHA-256 of the DER certificate; its first 12 bytes are written
  std::chrono::microseconds upstream{
      -1};                     // from opening the upstream exchange to the end of its answer
  uint64_t request_bytes = 0;  // bodies, as relayed
  uint64_t response_bytes = 0;
  std::string_view actor{};    // who changes the record: "uid:1000 alice"
  std::string_view action{};   // what: "add_key"; of an alert: what follows from it
  std::string_view subject{};  // to what: the id
  std::string_view rule{};     // of an alert
  std::string_view detail{};   // for the provider: what exactly did not hold
};

// Writes lines of the form {"time":"2026-01-31T12:00:00.000001Z","node":…}\n. Keeps the date's text
// from call to call, so that a line costs no calendar arithmetic within the same second. One
// thread.
class AuditLineWriter final {
 public:
  // `node` names this process in a log that several write.
  explicit AuditLineWriter(std::string_view node);

  // Appends one whole line, its line feed included. Nothing in the record can end the line or a
  // string early.
  void append(std::string& out, const AuditRecord& record, WallTime time);

  // "2026-01-31T12:00:00.000001Z", as lines write it.
  std::string time_text(WallTime time);

 private:
  void append_time(std::string& out, WallTime time);

  std::string node_member_;  // ,"node":"…"
  int64_t second_ = -1;
  std::string second_text_;  // "2026-01-31T12:00:00."
};

}  // namespace countersign::provider
