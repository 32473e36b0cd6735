// What the demo saw: told to a person as it happens, and to a program as one JSON line at the end.

#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "drill/caller.h"

namespace countersign::demo {

struct PaymentStep {
  std::string scheme;
  std::string file;  // of examples/payments
  int status = 0;
  int read_back_status = 0;
  std::string payment_id;
  std::chrono::microseconds took{};
  std::vector<std::string> wire;  // head lines that left the egress, secrets redacted
  bool ok = false;
};

struct RefusalStep {
  std::string what;             // "key revoked a moment ago"
  std::string expected_reason;  // what it must be refused for
  int status = 0;               // 0: no answer at all (the TLS handshake failed)
  std::string reason;
  std::string decision_id;
  std::string told;  // the problem document's detail: what the consumer reads
  bool ok = false;
};

class Report final {
 public:
  void say(std::string_view text) const;
  void heading(std::string_view text) const;
  void add(PaymentStep step);
  void add(RefusalStep step);
  void failed(std::string_view what, const Error& error);

  // Every step did what it should, and there were some.
  bool ok() const;
  std::string json() const;

 private:
  std::vector<PaymentStep> payments_;
  std::vector<RefusalStep> refusals_;
  std::vector<std::string> failures_;
};

}  // namespace countersign::demo
