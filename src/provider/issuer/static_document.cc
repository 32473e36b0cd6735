#include "provider/issuer/static_document.h"

#include "provider/issuer/issuer_problem.h"

namespace countersign::provider {

Task<void> StaticDocument::serve(http::Exchange& exchange) const {
  const std::string_view method = exchange.request().method;
  if (method != "GET" && method != "HEAD") {
    co_await respond_refusal(exchange, protocol::Reason::method_not_allowed, "GET, HEAD");
    co_return;
  }
  http::HeadWriter& writer =
      http::begin_own_response(exchange, 200, http::BodyFraming::of_length(text_.size()));
  writer.field("Content-Type", content_type_);
  writer.field("Cache-Control", cache_control);
  // A failed send has closed the connection; nobody is left to be told.
  (void)co_await exchange.send(text_, /*last=*/true);
}

}  // namespace countersign::provider
