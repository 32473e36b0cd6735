#include "consumer/egress/admin_service.h"

#include "http/problem.h"

namespace countersign::consumer {
namespace {

// A loop answers within a turn; one that takes this long does not serve calls either.
constexpr std::chrono::seconds report_patience{2};

constexpr std::string_view text_type = "text/plain; charset=utf-8";

std::vector<http::Field> no_store() {
  return {{"Cache-Control", "no-store"}};
}

bool is_page(std::string_view path) {
  return path == "/livez" || path == "/readyz" || path == "/metrics" || path == "/status";
}

// Why this request gets no page; 0 if it does.
int refusal_of(const http::RequestHead& request) {
  // Any web page can make a browser on this machine ask a loopback port.
  if (request.find("Origin") || request.find("Sec-Fetch-Site")) return 403;
  if (!is_page(request.path)) return 404;
  return request.method == "GET" || request.method == "HEAD" ? 0 : 405;
}

}  // namespace

Task<void> AdminService::serve(http::Exchange& exchange) {
  const http::RequestHead& request = exchange.request();
  if (const int status = refusal_of(request); status != 0) {
    auto fields = no_store();
    if (status == 405) fields.push_back({"Allow", "GET, HEAD"});
    http::Problem problem;
    problem.status = status;
    static_cast<void>(co_await http::respond_problem(exchange, problem, fields));
    co_return;
  }
  if (request.path == "/livez") {
    static_cast<void>(co_await http::respond(exchange, 200, text_type, "alive\n", no_store()));
    co_return;
  }
  const bool wants_metrics = request.path == "/metrics";
  const bool wants_status = request.path == "/status";
  const auto report = co_await source_.collect(executor_.now() + report_patience);
  if (!report) {
    static_cast<void>(co_await http::respond(
        exchange, 503, text_type, report.error().code + ": " + report.error().public_text + "\n",
        no_store()));
    co_return;
  }
  if (wants_metrics) {
    static_cast<void>(co_await http::respond(exchange, 200, metrics_content_type,
                                             metrics_page(*report), no_store()));
  } else if (wants_status) {
    static_cast<void>(co_await http::respond(exchange, 200, "application/json",
                                             status_page(*report), no_store()));
  } else {
    static_cast<void>(co_await http::respond(exchange, report->ready() ? 200 : 503, text_type,
                                             readiness_page(*report), no_store()));
  }
}

}  // namespace countersign::consumer
