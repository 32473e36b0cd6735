#include "payment-api/payment_service.h"

#include <charconv>
#include <memory>

#include "http/problem.h"
#include "http/target.h"

namespace countersign::payment_api {
namespace {

constexpr std::string_view collection = "/v1/payments";
constexpr std::string_view refunds_suffix = "/refunds";
constexpr size_t body_bytes_max = 16 * 1024;
constexpr size_t page_default = 20;
constexpr size_t page_max = 100;

std::string client_of(const http::RequestHead& head) {
  return std::string(head.value("Countersign-Client"));
}

Result<WriteRequest> write_request(const http::RequestHead& head, std::string body,
                                   bool keys_optional) {
  const std::string_view key = head.value("Idempotency-Key");
  const bool none = head.count("Idempotency-Key") == 0;
  const bool usable = head.count("Idempotency-Key") == 1 && !key.empty() && key.size() <= 255;
  if (!usable && !(none && keys_optional)) {
    return fail(ErrorKind::invalid_input, "payment.idempotency_key",
                "send one Idempotency-Key of 1 to 255 characters: a repeat with the same key is "
                "never paid twice");
  }
  if (!head.value("Content-Type").starts_with("application/json")) {
    return fail(ErrorKind::invalid_input, "payment.content_type",
                "Content-Type must be application/json");
  }
  return WriteRequest{client_of(head), std::string(key), std::move(body)};
}

struct PageQuery {
  size_t limit = page_default;
  std::string cursor;
};

Result<PageQuery> parse_page_query(std::string_view query) {
  PageQuery result;
  http::QueryReader reader(query);
  while (auto parameter = reader.next()) {
    if (!*parameter) return std::unexpected((*parameter).error());
    const auto& [name, value] = **parameter;
    if (name == "cursor") {
      result.cursor = value;
      continue;
    }
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), result.limit);
    const bool number = error == std::errc() && end == value.data() + value.size();
    if (name != "limit" || !number || result.limit < 1 || result.limit > page_max) {
      return fail(ErrorKind::invalid_input, "payment.bad_query",
                  "known are limit (1 to 100) and cursor (the next_cursor of a former page)");
    }
  }
  return result;
}

// 422 where HTTP's generic mapping says 409: the key or the amount contradicts what is recorded.
http::Problem to_problem(const Error& error) {
  http::Problem problem = http::problem_of(error);
  if (error.code == "payment.key_reused") problem.status = 422;
  return problem;
}

}  // namespace

template <typename T>
Task<Result<T>> PaymentService::in_store(std::function<Result<T>()> work) {
  // Shared, because the work may outlive this Task: a server that stops destroys what waits.
  auto result = std::make_shared<Result<T>>(
      fail(ErrorKind::internal, "payment.not_run", "the work was not run"));
  CS_CO_CHECK(co_await runner_.run([result, work = std::move(work)] { *result = work(); }));
  co_return std::move(*result);
}

Task<void> PaymentService::serve(http::Exchange& exchange) {
  const Result<Answer> result = co_await answer(exchange);
  if (!result) {
    co_await http::respond_problem(exchange, to_problem(result.error()));
    co_return;
  }
  std::vector<http::Field> fields = {{"Cache-Control", "no-store"}};
  if (!result->location.empty()) fields.push_back({"Location", result->location});
  if (result->replayed) fields.push_back({"Idempotent-Replayed", "true"});
  co_await http::respond(exchange, result->status, "application/json", result->body,
                         std::move(fields));
}

Task<Result<PaymentService::Answer>> PaymentService::answer(http::Exchange& exchange) {
  const http::RequestHead& request = exchange.request();
  const std::string_view path = request.path;
  if (path == collection) {
    if (request.method == "POST") co_return co_await create(exchange);
    if (request.method == "GET") co_return co_await list(exchange);
  } else if (path.starts_with(collection) && path.size() > collection.size() + 1 &&
             path[collection.size()] == '/') {
    std::string id(path.substr(collection.size() + 1));
    if (id.ends_with(refunds_suffix) && request.method == "POST") {
      id.resize(id.size() - refunds_suffix.size());
      co_return co_await refund(exchange, std::move(id));
    }
    if (request.method == "GET") co_return co_await find(exchange, std::move(id));
  }
  co_return fail(ErrorKind::not_found, "payment.no_such_resource",
                 "there is no such resource or method");
}

Task<Result<PaymentService::Answer>> PaymentService::create(http::Exchange& exchange) {
  CS_CO_TRY(std::string body, co_await http::collect_body(exchange, body_bytes_max));
  CS_CO_TRY(const WriteRequest request,
            write_request(exchange.request(), std::move(body), keys_optional_));
  CS_CO_TRY(const PaymentOrder order, parse_payment_order(request.body));
  CS_CO_TRY(StoredAnswer stored, co_await in_store<StoredAnswer>([&store = store_, request, order] {
              return store.create(request, order);
            }));
  co_return Answer{.status = 201,
                   .body = std::move(stored.body),
                   .location = std::string(collection) + "/" + stored.id,
                   .replayed = stored.replayed};
}

Task<Result<PaymentService::Answer>> PaymentService::refund(http::Exchange& exchange,
                                                            std::string payment_id) {
  CS_CO_TRY(std::string body, co_await http::collect_body(exchange, body_bytes_max));
  CS_CO_TRY(const WriteRequest request,
            write_request(exchange.request(), std::move(body), keys_optional_));
  CS_CO_TRY(const RefundOrder order, parse_refund_order(request.body));
  CS_CO_TRY(StoredAnswer stored,
            co_await in_store<StoredAnswer>([&store = store_, request, payment_id, order] {
              return store.refund(request, payment_id, order);
            }));
  co_return Answer{.status = 201, .body = std::move(stored.body), .replayed = stored.replayed};
}

Task<Result<PaymentService::Answer>> PaymentService::find(http::Exchange& exchange,
                                                          std::string payment_id) {
  const std::string client = client_of(exchange.request());
  CS_CO_TRY(const Payment payment,
            co_await in_store<Payment>(
                [&store = store_, client, payment_id] { return store.find(client, payment_id); }));
  co_return Answer{.body = payment_json(payment)};
}

Task<Result<PaymentService::Answer>> PaymentService::list(http::Exchange& exchange) {
  const std::string client = client_of(exchange.request());
  CS_CO_TRY(const PageQuery query, parse_page_query(exchange.request().query));
  CS_CO_TRY(const PaymentPage page,
            co_await in_store<PaymentPage>([&store = store_, client, query] {
              return store.list(client, query.limit, query.cursor);
            }));
  co_return Answer{.body = payments_page_json(page.payments, page.next_cursor)};
}

}  // namespace countersign::payment_api
