#include "http/relay.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "http/http_date.h"
#include "http/scratch.h"

namespace countersign::http {
namespace {

// Written by the drivers for each hop anew; a copy from the other hop could contradict them.
bool is_framing(std::string_view name) {
  return ascii::equal_ignoring_case(name, "content-length") ||
         ascii::equal_ignoring_case(name, "host") || ascii::equal_ignoring_case(name, "expect");
}

bool has_date(const Head& head) {
  for (const Field& field : head.fields)
    if (ascii::equal_ignoring_case(field.name, "date")) return true;
  return false;
}

void copy_fields(const Head& head, const RelayFields& policy, HeadWriter& writer) {
  for (const Field& field : head.fields) {
    if (is_framing(field.name) || head.is_hop_by_hop(field.name) || !policy.passes(field)) continue;
    writer.field(field.name, field.value);
  }
  policy.add(writer);
}

}  // namespace

RelayBody::~RelayBody() {
  if (holds_scratch_) give_scratch(std::move(kept_));
}

Task<Result<RelayBody::Piece>> RelayBody::next() {
  if (replaying_) {
    replaying_ = false;
    if (!kept_.empty() || source_ended_) {
      co_return Piece{kept_, source_ended_};
    }
  }
  CS_CO_TRY(const std::string_view data, co_await exchange_.read_body());
  bytes_ += data.size();
  const BodyFraming& framing = exchange_.request().framing;
  source_ended_ =
      data.empty() || (framing.kind == BodyFraming::Kind::length && bytes_ == framing.length);
  if (kept_all_ && kept_.size() + data.size() <= keep_max_) {
    if (!data.empty() && !std::exchange(holds_scratch_, true)) kept_ = take_scratch();
    kept_ += data;
  } else {
    kept_all_ = false;
  }
  co_return Piece{data, source_ended_};
}

Task<Result<std::string_view>> RelayBody::read_ahead(size_t bytes_max) {
  const auto too_large = [] {
    return fail(ErrorKind::too_large, "http.client_body_too_large",
                "the request body is too large");
  };
  const BodyFraming& framing = exchange_.request().framing;
  const size_t most = std::min(bytes_max, keep_max_);
  if (framing.kind == BodyFraming::Kind::none) co_return std::string_view();
  if (framing.kind == BodyFraming::Kind::length && framing.length > most) co_return too_large();
  while (!source_ended_) {
    CS_CO_CHECK(co_await next());
    if (!kept_all_ || kept_.size() > most) co_return too_large();
  }
  rewind();
  co_return std::string_view(kept_);
}

void RelayBody::rewind() {
  if (!kept_all_) panic("rewinding a body that was not kept");
  replaying_ = true;
}

Task<Result<const ResponseHead*>> relay_request(Exchange& exchange, RelayBody& body,
                                                ClientExchange& upstream, std::string_view target,
                                                const RelayFields& fields) {
  const RequestHead& request = exchange.request();
  RelayBody::Piece piece{.data = {}, .last = true};
  const bool has_body = request.framing.kind != BodyFraming::Kind::none;
  if (has_body) {
    CS_CO_TRY(piece, co_await body.next());
  }
  HeadWriter& writer = upstream.begin_request(request.method, target, request.framing);
  copy_fields(request, fields, writer);
  for (;;) {
    CS_CO_CHECK(co_await upstream.send(piece.data, piece.last));
    if (piece.last || upstream.sending_stopped()) break;
    CS_CO_TRY(piece, co_await body.next());
  }
  if (upstream.sending_stopped()) exchange.close_after_response();
  co_return co_await upstream.read_head();
}

Task<Result<uint64_t>> relay_response(const ResponseHead& head, ClientExchange& upstream,
                                      Exchange& exchange, const RelayFields& fields) {
  BodyFraming framing = head.announced;
  if (framing.kind == BodyFraming::Kind::until_close) framing.kind = BodyFraming::Kind::chunked;
  HeadWriter& writer = exchange.begin_response(head.status, framing);
  copy_fields(head, fields, writer);
  // RFC 9110 §6.6.1: whoever forwards an answer without Date adds the time at which it came.
  if (!has_date(head)) writer.field("Date", format_http_date(exchange.now()));
  const bool has_body = head.framing.kind != BodyFraming::Kind::none;
  if (has_body && !upstream.body_buffered()) {
    CS_CO_CHECK(co_await exchange.send({}, false));  // the head need not wait for a slow body
  }
  uint64_t sent = 0;
  for (bool last = !has_body;;) {
    std::string_view piece;
    if (!last) {
      auto read = co_await upstream.read_body();
      if (!read) {
        exchange.abort();
        co_return std::unexpected(std::move(read).error());
      }
      piece = *read;
      sent += piece.size();
      last = piece.empty() || (framing.kind == BodyFraming::Kind::length && sent == framing.length);
    }
    if (auto done = co_await exchange.send(piece, last); !done) {
      exchange.abort();
      co_return std::unexpected(std::move(done).error());
    }
    if (last) co_return sent;
  }
}

}  // namespace countersign::http
