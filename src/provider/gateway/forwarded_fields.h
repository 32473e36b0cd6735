// What passes through the gateway's head fields, in both directions, and what the gateway adds:
//
//   to the payment API   Countersign-Client       client id
//                        Countersign-Credential   id of the key, or of what the token was granted
//                        for; never a secret Countersign-Scheme       "oauth2_certificate"
//                        Countersign-Scopes       space-separated
//                        Countersign-Decision-Id
//                        traceparent, tracestate  as sent, if well-formed
//   to the consumer      Countersign-Decision-Id
//                        RateLimit, RateLimit-Policy  where a limit holds

#pragma once

#include <string_view>

#include "http/message.h"
#include "http/relay.h"
#include "provider/gateway/limits.h"
#include "provider/schemes/principal.h"

namespace countersign::provider {

// The references outlive the object; the views too.
class UpstreamFields final : public http::RelayFields {
 public:
  UpstreamFields(const http::RequestHead& head, const Principal& principal,
                 std::string_view decision_id, std::string_view api_key_field)
      : head_(head),
        principal_(principal),
        decision_id_(decision_id),
        api_key_field_(api_key_field) {}

  bool passes(const http::Field& field) const override;
  void add(http::HeadWriter& writer) const override;

 private:
  void add_trace(http::HeadWriter& writer) const;
  const http::RequestHead& head_;
  const Principal& principal_;
  std::string_view decision_id_;
  std::string_view api_key_field_;
};

class ConsumerFields final : public http::RelayFields {
 public:
  ConsumerFields(std::string_view decision_id, const std::optional<LimitState>& limit)
      : decision_id_(decision_id), limit_(limit) {}

  // All but this program's own, which the payment API has no say in; and where a limit holds, but
  // the payment API's word on it.
  bool passes(const http::Field& field) const override;
  void add(http::HeadWriter& writer) const override;

 private:
  std::string_view decision_id_;
  const std::optional<LimitState>& limit_;
};

}  // namespace countersign::provider
