// Payments in SQLite: what was answered 201 is on disk. Blocking; one thread at a time.
//
// An Idempotency-Key belongs to a client. Key, body digest and answer are written in the same
// transaction as the payment, so that a crash leaves either all or nothing and a repeat gets the
// same answer.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/entropy.h"
#include "core/result.h"
#include "payment-api/payment.h"
#include "store/sqlite.h"

namespace countersign::payment_api {

// Who asks, with which Idempotency-Key, and the bytes that key stands for.
struct WriteRequest {
  std::string client;
  std::string idempotency_key;  // empty: each request is a new write
  std::string body;
};

struct StoredAnswer {
  std::string id;         // of the payment or refund
  std::string body;       // JSON of the payment or refund, as first answered with 201
  bool replayed = false;  // true: the key was known; nothing was written
};

struct PaymentPage {
  std::vector<Payment> payments;  // newest first
  std::string next_cursor;        // empty: this was the last page
};

class PaymentStore final {
 public:
  // Opens or makes the file and brings its schema up to date. Clock and entropy outlive the store.
  static Result<std::unique_ptr<PaymentStore>> open(const std::string& path, const Clock& clock,
                                                    Entropy& entropy);

  // `payment.key_reused` (conflict): the key was used with another body or for something else.
  Result<StoredAnswer> create(const WriteRequest& request, const PaymentOrder& order);
  // The same; `payment.not_found`, `payment.refund_too_large` (conflict; nothing is written, the
  // key stays free).
  Result<StoredAnswer> refund(const WriteRequest& request, std::string_view payment_id,
                              const RefundOrder& refund);

  // `payment.not_found` also for another client's payment.
  Result<Payment> find(std::string_view client, std::string_view id);
  // `cursor` is a former page's next_cursor or empty; `payment.bad_cursor` otherwise.
  Result<PaymentPage> list(std::string_view client, size_t limit, std::string_view cursor);

 private:
  PaymentStore(std::unique_ptr<store::Database> database, const Clock& clock, Entropy& entropy);
  Result<std::optional<StoredAnswer>> find_answer(const WriteRequest& request,
                                                  std::string_view operation);
  Result<void> keep_answer(const WriteRequest& request, std::string_view operation,
                           const StoredAnswer& answer);
  std::string new_id(std::string_view prefix);

  std::unique_ptr<store::Database> database_;
  const Clock& clock_;
  Entropy& entropy_;
};

}  // namespace countersign::payment_api
