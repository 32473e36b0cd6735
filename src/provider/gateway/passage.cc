#include "provider/gateway/passage.h"

#include "crypto/verified_peer.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

Passage::~Passage() {
  if (AuditLog* log = open_in()) log->end(*this, describe());
}

AuditRecord Passage::record(AuditOutcome outcome, int status) const {
  const http::RequestHead& request = exchange.request();
  const http::PeerInfo& peer = exchange.peer();
  AuditRecord record;
  record.event = AuditEvent::request;
  record.outcome = outcome;
  record.decision_id = id.text();
  record.method = request.method;
  record.path = request.path;
  record.status = status;
  record.remote = &peer.address.address;
  if (findings.route != nullptr) record.route = findings.route->path;
  if (findings.principal) {
    record.client = findings.principal->client_id();
    record.credential_id = findings.principal->credential_id();
    record.scheme = findings.principal->scheme().name;
    record.token_id = findings.principal->token_id();
  }
  if (peer.certificate != nullptr) {
    record.certificate_thumbprint = peer.certificate->certificate().thumbprint;
  }
  return record;
}

AuditRecord Passage::forwarded_record(int status, BootTime now) const {
  AuditRecord forwarded = record(AuditOutcome::allow, status);
  forwarded.upstream = std::chrono::duration_cast<std::chrono::microseconds>(now - started);
  forwarded.request_bytes = request_bytes;
  return forwarded;
}

AuditRecord Passage::describe() const {
  AuditRecord open = record(AuditOutcome::allow, 0);
  open.event = AuditEvent::request_open;
  return open;
}

Task<protocol::Reason> record_refusal(AuditLog& audit, Passage& passage,
                                      const protocol::Denial& denial) {
  audit.withdraw(passage);
  if (denial.reason == protocol::Reason::audit_unavailable) co_return denial.reason;
  AuditRecord record = passage.record(AuditOutcome::deny, protocol::status_of(denial.reason));
  record.reason = protocol::code_of(denial.reason);
  record.detail = denial.private_detail;
  const auto written = co_await audit.record(record);
  co_return written ? denial.reason : protocol::Reason::audit_unavailable;
}

}  // namespace countersign::provider
