#include "provider/issuer/issuer_problem.h"

#include <utility>
#include <vector>

#include "http/problem.h"
#include "protocol/refusal.h"

namespace countersign::provider {

Task<void> respond_refusal(http::Exchange& exchange, protocol::Reason reason,
                           std::string_view allow) {
  const protocol::Refusal refusal = protocol::refusal_of(reason, "", "issuer");
  http::Problem problem;
  problem.status = refusal.status;
  problem.type = refusal.type();
  problem.title = refusal.title;
  problem.extra = refusal.members();
  std::vector<http::Field> fields;
  if (!allow.empty()) fields.push_back({"Allow", allow});
  // A failed send has closed the connection; nobody is left to be told.
  (void)co_await http::respond_problem(exchange, std::move(problem), std::move(fields));
}

}  // namespace countersign::provider
