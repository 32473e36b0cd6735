// The payment API over HTTP (openapi.yaml). Says nothing about who may call: the gateway in front
// has decided, and names the client in Countersign-Client.

#pragma once

#include <functional>

#include "core/task.h"
#include "http/service.h"
#include "payment-api/payment_store.h"

namespace countersign::payment_api {

// Runs blocking work off the loop; the Task ends when the work has. In tests: at once.
class BlockingRunner {
 public:
  virtual ~BlockingRunner() = default;
  // The work owns all that it uses: it may run on after the Task was destroyed. `unavailable` if
  // the work cannot be taken on (too much is queued); then it has not run.
  virtual Task<Result<void>> run(std::function<void()> work) = 0;
};

class PaymentService final : public http::Service {
 public:
  // Both outlive the service. The store is used only inside `runner`.
  // `keys_optional`: a write without an Idempotency-Key is taken, and made anew each time, as many
  // a real API does.
  PaymentService(PaymentStore& store, BlockingRunner& runner, bool keys_optional = false)
      : store_(store), runner_(runner), keys_optional_(keys_optional) {}
  Task<void> serve(http::Exchange& exchange) override;

 private:
  struct Answer {
    int status = 200;
    std::string body;
    std::string location;   // of a created payment
    bool replayed = false;  // tells the caller that its repeat was recognised
  };
  Task<Result<Answer>> answer(http::Exchange& exchange);
  Task<Result<Answer>> create(http::Exchange& exchange);
  Task<Result<Answer>> refund(http::Exchange& exchange, std::string payment_id);
  Task<Result<Answer>> find(http::Exchange& exchange, std::string payment_id);
  Task<Result<Answer>> list(http::Exchange& exchange);
  template <typename T>
  Task<Result<T>> in_store(std::function<Result<T>()> work);

  PaymentStore& store_;
  BlockingRunner& runner_;
  bool keys_optional_;
};

}  // namespace countersign::payment_api
