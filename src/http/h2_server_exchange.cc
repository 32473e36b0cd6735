#include "http/h2_server_exchange.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "http/target.h"

namespace countersign::http {
namespace {

// RFC 9113 §6.5.2: how a header list is measured.
constexpr size_t field_overhead = 32;

std::unexpected<Error> client_lost() {
  return fail(ErrorKind::unavailable, "http.client_lost", "the client closed the stream");
}
std::unexpected<Error> client_timeout() {
  return fail(ErrorKind::timed_out, "http.client_timeout", "the client took too long");
}

// RFC 9113 §8.2.2: these are about an HTTP/1.1 connection and must not be sent.
bool is_about_a_connection(std::string_view name) {
  return ascii::equal_ignoring_case(name, "connection") ||
         ascii::equal_ignoring_case(name, "transfer-encoding") ||
         ascii::equal_ignoring_case(name, "keep-alive") ||
         ascii::equal_ignoring_case(name, "upgrade") ||
         ascii::equal_ignoring_case(name, "proxy-connection");
}

bool parse_length(std::string_view text, uint64_t& length) {
  if (text.empty() || text.size() > 18) return false;
  length = 0;
  for (const char c : text) {
    if (!ascii::is_digit(c)) return false;
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  return true;
}

}  // namespace

// Waits until resume_if_due() finds the reason; destroyed, it waits no more.
class H2ServerExchange::Wait final {
 public:
  Wait(H2ServerExchange& exchange, WaitFor reason) : exchange_(exchange), reason_(reason) {}
  Wait(const Wait&) = delete;
  ~Wait() {
    exchange_.waiting_ = nullptr;
    exchange_.wait_for_ = WaitFor::nothing;
  }
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    const BootTime now = exchange_.executor_.now();
    exchange_.wait_end_ = std::min(exchange_.deadline_, now + exchange_.limits_.body_timeout);
    exchange_.wait_for_ = reason_;
    exchange_.waiting_ = waiting;
    exchange_.owner_.pump_soon();
  }
  // False: time ran out.
  bool await_resume() const { return exchange_.executor_.now() < exchange_.wait_end_; }

 private:
  H2ServerExchange& exchange_;
  WaitFor reason_;
};

H2ServerExchange::H2ServerExchange(int32_t stream, H2Session& session, H2StreamOwner& owner,
                                   Executor& executor, const ServerLimits& limits,
                                   const PeerInfo& peer)
    : stream_(stream),
      session_(session),
      owner_(owner),
      executor_(executor),
      limits_(limits),
      peer_(peer),
      deadline_(executor.now() + limits.exchange_timeout),
      writer_(out_) {}

// Over a limit the rest is dropped: it has been decoded already, and is not kept.
void H2ServerExchange::add_field(std::string_view name, std::string_view value) {
  if (refusal_.status != 0) return;
  const size_t bytes = text_.size() + name.size() + value.size() + field_overhead * spans_.size();
  if (bytes > limits_.head.head_bytes_max || spans_.size() >= limits_.head.fields_max) {
    refusal_ = {431, "http.head_too_large"};
    return;
  }
  const size_t at = text_.size();
  text_.append(name).append(value);
  spans_.push_back({at, name.size(), at + name.size(), value.size()});
}

void H2ServerExchange::end_head() {
  if (refusal_.status == 0) refusal_ = check_head();
  spans_ = {};
}

H2ServerExchange::Refusal H2ServerExchange::check_head() {
  if (const Refusal refusal = take_fields(); refusal.status != 0) return refusal;
  if (head_.framing.kind == BodyFraming::Kind::none && !request_ended_ &&
      head_.count("content-length") == 0) {
    head_.framing = {BodyFraming::Kind::chunked, 0};  // of a length that nobody told
  }
  continue_due_ = head_.expect_continue && !request_ended_;
  return check_target();
}

H2ServerExchange::Refusal H2ServerExchange::take_fields() {
  const std::string_view text = text_;
  for (const Span& span : spans_) {
    const Field field{text.substr(span.name_at, span.name_size),
                      text.substr(span.value_at, span.value_size)};
    const Refusal refusal =
        field.name.starts_with(':') ? take_pseudo_field(field) : take_field(field);
    if (refusal.status != 0) return refusal;
  }
  return {};
}

// Which ones there must be, and that each is there once, has been checked.
H2ServerExchange::Refusal H2ServerExchange::take_pseudo_field(const Field& field) {
  if (field.name == ":method") head_.method = field.value;
  if (field.name == ":path") head_.target = field.value;
  if (field.name == ":authority") head_.authority = field.value;
  const bool known_scheme = ascii::equal_ignoring_case(field.value, "http") ||
                            ascii::equal_ignoring_case(field.value, "https");
  if (field.name == ":scheme" && !known_scheme) return {400, "http.bad_target"};
  return {};
}

H2ServerExchange::Refusal H2ServerExchange::take_field(const Field& field) {
  if (!is_token(field.name)) return {400, "http.bad_field_name"};
  if (!is_field_value(field.value) || ascii::trim(field.value).size() != field.value.size())
    return {400, "http.bad_field_value"};
  if (field.name == "host") {
    host_ = field.value;
    if (++hosts_ > 1) return {400, "http.repeated_host"};
  }
  if (field.name == "content-length") {
    uint64_t length = 0;
    if (!parse_length(field.value, length)) return {400, "http.bad_content_length"};
    if (head_.find("content-length")) return {400, "http.repeated_content_length"};
    head_.framing = BodyFraming::of_length(length);
  }
  if (field.name == "expect") {
    if (head_.find("expect") || !ascii::equal_ignoring_case(field.value, "100-continue"))
      return {417, "http.unknown_expectation"};
    head_.expect_continue = true;
  }
  head_.fields.push_back(field);
  return {};
}

// The rules of HTTP/1.1's request line and Host, so that a Service sees nothing that it would not
// see there.
H2ServerExchange::Refusal H2ServerExchange::check_target() {
  if (!is_token(head_.method)) return {400, "http.bad_request_line"};
  if (head_.method == "CONNECT") return {501, "http.connect_not_supported"};
  const bool asterisk = head_.target == "*" && head_.method == "OPTIONS";
  if (!asterisk && (!head_.target.starts_with('/') || !is_target_text(head_.target)))
    return {400, "http.bad_target"};
  if (head_.target.size() > limits_.head.line_bytes_max) return {414, "http.request_line_too_long"};
  head_.origin_form = head_.target;
  const SplitTarget parts = split_target(head_.target);
  head_.path = parts.path;
  head_.query = parts.query;
  // RFC 9113 §8.3.1: where both are there, they say the same.
  if (head_.authority.empty()) head_.authority = host_;
  if (hosts_ > 0 && !ascii::equal_ignoring_case(head_.authority, host_))
    return {400, "http.host_differs_from_target"};
  if (head_.authority.empty()) return {400, "http.missing_host"};
  if (!is_authority(head_.authority)) return {400, "http.bad_host"};
  return {};
}

bool H2ServerExchange::is_due(BootTime now) const {
  if (closed_ || now >= wait_end_) return true;
  switch (wait_for_) {
    case WaitFor::body:
      return !body_.empty() || request_ended_;
    case WaitFor::sent:
      return piece_.empty() && (!last_piece_ || answer_ended_);
    case WaitFor::nothing:
      return false;
  }
  return false;
}

void H2ServerExchange::resume_if_due(BootTime now) {
  if (waiting_ && is_due(now)) std::exchange(waiting_, nullptr).resume();
}

Task<Result<std::string_view>> H2ServerExchange::read_body() {
  if (!current_.empty()) {
    session_.consume(stream_, current_.size());
    current_.clear();
    owner_.pump_soon();
  }
  if (std::exchange(continue_due_, false) && !response_begun_ && body_.empty())
    session_.submit_continue(stream_);
  while (body_.empty() && !request_ended_) {
    if (closed_) co_return client_lost();
    if (!co_await Wait(*this, WaitFor::body)) co_return client_timeout();
  }
  // A stream that was taken back in the middle has no whole body.
  if (body_.empty() && closed_ && !answer_ended_) co_return client_lost();
  current_.swap(body_);
  body_received_ += current_.size();
  if (body_received_ > limits_.body_bytes_max) {
    co_return fail(ErrorKind::too_large, "http.client_body_too_large",
                   "the request body is too large");
  }
  co_return std::string_view(current_);
}

HeadWriter& H2ServerExchange::begin_response(int status, BodyFraming framing) {
  if (head_sent_) panic("begin_response after the head has left");
  out_.clear();
  writer_ = HeadWriter(out_);
  status_ = status;
  framing_ = framing;
  response_begun_ = true;
  body_sent_ = 0;
  bodiless_ = status_forbids_body(status) || head_.method == "HEAD";
  writer_.status_line(status);
  if (status == 204) {
    framing_ = {};
  } else {
    writer_.framing(framing_, /*is_request=*/false);
  }
  return writer_;
}

bool H2ServerExchange::length_fits(bool last) const {
  if (bodiless_) return true;
  if (framing_.kind == BodyFraming::Kind::none) return body_sent_ == 0;
  if (framing_.kind != BodyFraming::Kind::length) return true;
  return last ? body_sent_ == framing_.length : body_sent_ <= framing_.length;
}

// The text that the writer made, line by line, as fields: in lower case, and without those of a
// connection.
Result<void> H2ServerExchange::submit_head(bool ends) {
  CS_CHECK(writer_.finish());
  const std::span<char> text(out_);
  std::vector<H2Field> fields;
  for (size_t at = out_.find("\r\n") + 2; at < out_.size();) {
    const size_t end = out_.find("\r\n", at);
    if (end == at) break;
    const size_t colon = out_.find(": ", at);
    const std::span<char> name = text.subspan(at, colon - at);
    std::ranges::transform(name, name.begin(), ascii::to_lower);
    if (!is_about_a_connection({name.data(), name.size()}))
      fields.push_back({name, text.subspan(colon + 2, end - colon - 2)});
    at = end + 2;
  }
  session_.submit_head(stream_, status_, std::move(fields), ends);
  head_sent_ = true;
  return {};
}

Task<Result<void>> H2ServerExchange::send(std::string_view piece, bool last) {
  if (!response_begun_ || answer_ended_) panic("send() outside a response");
  if (closed_) co_return client_lost();
  body_sent_ += piece.size();
  if (!length_fits(last)) {
    abort();
    co_return fail(ErrorKind::internal, "http.wrong_body_length", "the answer's body broke off");
  }
  if (bodiless_) piece = {};
  const bool head_alone = bodiless_ || (last && piece.empty());
  if (!head_sent_) {
    if (auto submitted = submit_head(head_alone); !submitted) {
      abort();
      co_return submitted;
    }
    owner_.pump_soon();
    if (head_alone) answer_ended_ = last;
    if (head_alone) co_return Result<void>();
  } else if (bodiless_) {
    answer_ended_ = last;
    co_return Result<void>();
  }
  piece_ = piece;
  last_piece_ = last;
  session_.resume_answer(stream_);
  while (!piece_.empty() || (last && !answer_ended_)) {
    if (closed_) break;
    if (!co_await Wait(*this, WaitFor::sent)) {
      abort();
      co_return client_timeout();
    }
  }
  const bool sent = piece_.empty() && (!last || answer_ended_);
  piece_ = {};
  if (!sent) co_return client_lost();
  co_return Result<void>();
}

size_t H2ServerExchange::take_answer(std::span<char> out, bool& last) {
  const size_t bytes = std::min(out.size(), piece_.size());
  std::copy_n(piece_.begin(), bytes, out.begin());
  piece_.remove_prefix(bytes);
  last = last_piece_ && piece_.empty();
  if (last) answer_ended_ = true;
  return bytes;
}

void H2ServerExchange::abort() {
  if (closed_) return;
  piece_ = {};
  closed_ = true;
  session_.reset(stream_, H2Error::internal_error);
  owner_.pump_soon();
}

}  // namespace countersign::http
