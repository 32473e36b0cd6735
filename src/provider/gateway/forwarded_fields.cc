#include "provider/gateway/forwarded_fields.h"

#include "core/ascii.h"
#include "protocol/decision_id.h"
#include "provider/gateway/header_hygiene.h"
#include "provider/schemes/scheme_registry.h"

namespace countersign::provider {

bool UpstreamFields::passes(const http::Field& field) const {
  return !is_identity_field(field.name) &&
         (api_key_field_.empty() || !same_field_in_any_spelling(field.name, api_key_field_));
}

void UpstreamFields::add(http::HeadWriter& writer) const {
  writer.field("Countersign-Client", principal_.client_id());
  if (!principal_.credential_id().empty()) {
    writer.field("Countersign-Credential", principal_.credential_id());
  }
  writer.field("Countersign-Scheme", principal_.scheme().name);
  writer.field("Countersign-Scopes", principal_.scopes_text());
  writer.field(protocol::decision_id_field, decision_id_);
  add_trace(writer);
}

// W3C Trace Context §2.2, §3.3: one traceparent of this form, and tracestate only beside it.
void UpstreamFields::add_trace(http::HeadWriter& writer) const {
  const http::Field* parent = nullptr;
  const http::Field* state = nullptr;
  for (const http::Field& field : head_.fields) {
    if (ascii::equal_ignoring_case(field.name, "traceparent")) {
      if (parent != nullptr) return;
      parent = &field;
    } else if (ascii::equal_ignoring_case(field.name, "tracestate")) {
      state = &field;
    }
  }
  if (parent == nullptr || !is_traceparent(parent->value)) return;
  writer.field("traceparent", parent->value);
  if (state != nullptr) writer.field("tracestate", state->value);
}

bool ConsumerFields::passes(const http::Field& field) const {
  constexpr std::string_view own = "countersign-";
  if (limit_ && (ascii::equal_ignoring_case(field.name, "ratelimit") ||
                 ascii::equal_ignoring_case(field.name, "ratelimit-policy"))) {
    return false;
  }
  return field.name.size() < own.size() ||
         !ascii::equal_ignoring_case(field.name.substr(0, own.size()), own);
}

void ConsumerFields::add(http::HeadWriter& writer) const {
  writer.field(protocol::decision_id_field, decision_id_);
  if (!limit_) [[likely]]
    return;
  const LimitFields limit(*limit_);
  writer.field(limit.policy().name, limit.policy().value);
  writer.field(limit.standing().name, limit.standing().value);
}

}  // namespace countersign::provider
