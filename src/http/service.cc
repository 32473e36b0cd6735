#include "http/service.h"

#include "http/http_date.h"

namespace countersign::http {

HeadWriter& begin_own_response(Exchange& exchange, int status, BodyFraming framing) {
  HeadWriter& writer = exchange.begin_response(status, framing);
  writer.field("Date", format_http_date(exchange.now()));
  return writer;
}

Task<Result<void>> respond(Exchange& exchange, int status, std::string_view content_type,
                           std::string body, std::vector<Field> fields) {
  HeadWriter& writer = begin_own_response(exchange, status, BodyFraming::of_length(body.size()));
  if (!body.empty()) writer.field("Content-Type", content_type);
  for (const Field& field : fields) writer.field(field.name, field.value);
  co_return co_await exchange.send(body, /*last=*/true);
}

Task<Result<std::string>> collect_body(Exchange& exchange, size_t bytes_max) {
  const BodyFraming& framing = exchange.request().framing;
  const auto too_large = [] {
    return fail(ErrorKind::too_large, "http.client_body_too_large",
                "the request body is too large");
  };
  if (framing.kind == BodyFraming::Kind::length && framing.length > bytes_max)
    co_return too_large();
  std::string body;
  for (;;) {
    CS_CO_TRY(const std::string_view piece, co_await exchange.read_body());
    if (piece.empty()) co_return body;
    if (body.size() + piece.size() > bytes_max) co_return too_large();
    body += piece;
  }
}

}  // namespace countersign::http
