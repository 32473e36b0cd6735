#include "http/client.h"

#include "core/ascii.h"
#include "core/secret.h"

namespace countersign::http {
namespace {

// Field values and bodies of token requests hold credentials.
class WipedAtTheEnd final {
 public:
  explicit WipedAtTheEnd(SimpleRequest& request) : request_(request) {}
  WipedAtTheEnd(const WipedAtTheEnd&) = delete;
  ~WipedAtTheEnd() {
    wipe(request_.body);
    for (auto& [name, value] : request_.fields) wipe(value);
  }

 private:
  SimpleRequest& request_;
};

}  // namespace

std::string_view SimpleResponse::value(std::string_view name) const {
  for (const auto& [field_name, field_value] : fields) {
    if (ascii::equal_ignoring_case(field_name, name)) return field_value;
  }
  return {};
}

Task<Result<SimpleResponse>> fetch(Client& client, SimpleRequest request, BootTime deadline) {
  const WipedAtTheEnd wiped(request);
  CS_CO_TRY(const std::unique_ptr<ClientExchange> exchange,
            co_await client.open({.deadline = deadline}));
  HeadWriter& writer = exchange->begin_request(request.method, request.target,
                                               BodyFraming::of_length(request.body.size()));
  for (const auto& [name, value] : request.fields) writer.field(name, value);
  CS_CO_CHECK(co_await exchange->send(request.body, /*last=*/true));
  CS_CO_TRY(const ResponseHead* head, co_await exchange->read_head());
  SimpleResponse response;
  response.status = head->status;
  for (const Field& field : head->fields) {
    response.fields.emplace_back(field.name, field.value);
  }
  for (;;) {
    CS_CO_TRY(const std::string_view piece, co_await exchange->read_body());
    if (piece.empty()) co_return response;
    if (response.body.size() + piece.size() > request.response_bytes_max) {
      co_return fail(ErrorKind::too_large, "http.response_too_large",
                     "the answer is longer than allowed");
    }
    response.body += piece;
  }
}

}  // namespace countersign::http
