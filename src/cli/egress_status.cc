#include "cli/egress_status.h"

#include <cstdio>

#include "cli/egress_local_config.h"
#include "core/json.h"
#include "net/client_pool.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace countersign::cli {
namespace {

constexpr std::chrono::seconds patience{5};
constexpr size_t document_bytes_max = 4 * 1024 * 1024;  // some hundred bytes an API

std::string text_of(const Json& object, std::string_view name) {
  return string_member(object, name).value_or("");
}

// Numbers of seconds are written as JSON's floating numbers.
std::string seconds_of(const Json& object, std::string_view name) {
  if (!object.is_object() || !object.contains(name) || !object[name].is_number()) return "";
  const double seconds = object[name].get<double>();
  constexpr double believable = 1e12;  // and fits an integer
  return seconds >= 0 && seconds <= believable ? std::to_string(static_cast<int64_t>(seconds)) + "s"
                                               : "";
}

OutputRecord row_of(const Json& api) {
  const Json token = api.contains("token") ? api["token"] : Json();
  OutputRecord row;
  row.text("api", text_of(api, "name"))
      .text("scheme", text_of(api, "scheme"))
      .boolean("ready", bool_member(api, "ready").value_or(false))
      .text("token", text_of(token, "state"))
      .text("token ends in", seconds_of(token, "expires_in"))
      .text("runway", seconds_of(api, "auth_runway_seconds"))
      .text("limited by", text_of(api, "limited_by"))
      .number("calls", integer_member(api, "calls").value_or(0))
      .number("in flight", integer_member(api, "calls_in_flight").value_or(0))
      .text("upstream", text_of(api, "upstream"))
      .text("why", text_of(token, "code"));
  return row;
}

Result<std::string> ask(const net::ListenOptions& admin) {
  const SystemClock clock;
  net::Resolver resolver(clock, {});
  CS_TRY(const auto loop, net::Loop::create());
  net::ClientPoolOptions options{.host = admin.address.address.to_string(),
                                 .port = admin.address.port};
  options.unix_path = admin.unix_path;
  options.authority = "localhost";
  net::ClientPool pool(*loop, resolver, std::move(options));
  http::SimpleRequest request;
  request.target = "/status";
  request.response_bytes_max = document_bytes_max;
  CS_TRY(http::SimpleResponse answer,
         loop->run_until_done(http::fetch(pool, std::move(request), clock.boot_now() + patience)));
  if (answer.status == 200) return std::move(answer.body);
  return fail(ErrorKind::unavailable, "egress.status_refused",
              "the egress answered " + std::to_string(answer.status));
}

}  // namespace

Result<std::vector<OutputRecord>> read_status(std::string_view document) {
  const auto status = parse_json(document, {.bytes_max = document_bytes_max});
  if (!status || !status->is_object() || !status->contains("apis") ||
      !(*status)["apis"].is_array()) {
    return fail(ErrorKind::unavailable, "egress.bad_status",
                "what answers at [admin] is no egress of this version");
  }
  std::vector<OutputRecord> rows;
  for (const Json& api : (*status)["apis"]) {
    if (api.is_object()) rows.push_back(row_of(api));
  }
  return rows;
}

Result<void> show_egress_status(const CommonOptions& common) {
  CS_TRY(const net::ListenOptions admin, load_admin(common));
  CS_TRY(const std::string document, ask(admin));
  CS_TRY(const std::vector<OutputRecord> rows, read_status(document));
  if (common.output == OutputForm::json) {
    std::fwrite(document.data(), 1, document.size(), stdout);
  } else {
    print(rows, common.output);
  }
  return {};
}

}  // namespace countersign::cli
