#include "http/h2_session.h"

#include <array>
#include <charconv>

#include <nghttp2/nghttp2.h>

#include "core/bytes.h"
#include "core/error.h"

namespace countersign::http {
namespace {

// A peer that makes us owe it more acknowledgements than this does so on purpose.
constexpr size_t acknowledgements_max = 64;
constexpr size_t settings_entries_max = 32;
constexpr size_t continuations_max = 8;

H2Events& events_of(void* user_data) {
  return *static_cast<H2Events*>(user_data);
}

// The library takes bytes it only reads without const.
uint8_t* bytes_of(std::span<char> text) {
  return static_cast<uint8_t*>(static_cast<void*>(text.data()));
}

bool begins_request(const nghttp2_frame& frame) {
  return frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST;
}

int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  if (!begins_request(*frame)) return 0;  // trailers
  return events_of(user_data).head_begins(frame->hd.stream_id)
             ? 0
             : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
              const uint8_t* value, size_t value_size, uint8_t, void* user_data) {
  if (!begins_request(*frame)) return 0;  // trailers are dropped
  events_of(user_data).field(frame->hd.stream_id, as_text({name, name_size}),
                             as_text({value, value_size}));
  return 0;
}

// Without this the library would pass over a malformed field.
int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t,
                      const uint8_t*, size_t, uint8_t, void*) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

// The library passes over priorities, and with them what must end the connection.
int on_begin_frame(nghttp2_session* session, const nghttp2_frame_hd* head, void*) {
  // RFC 9113 §6.3: of stream 0.
  if (head->type != NGHTTP2_PRIORITY || head->stream_id != 0) return 0;
  nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
  return 0;
}

bool moves_nothing_on(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_PING:
    case NGHTTP2_SETTINGS:
      return (frame.hd.flags & NGHTTP2_FLAG_ACK) == 0;
    case NGHTTP2_DATA:
      return frame.hd.length == 0 && (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0;
    case NGHTTP2_HEADERS:
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_WINDOW_UPDATE:
      return false;
    default:
      return true;
  }
}

int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  H2Events& events = events_of(user_data);
  const int32_t stream = frame->hd.stream_id;
  if (moves_nothing_on(*frame)) events.idle_frame();
  if (frame->hd.type == NGHTTP2_RST_STREAM) events.stream_reset(stream);
  const bool can_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (can_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) events.request_ends(stream);
  if (begins_request(*frame)) events.head_ends(stream);
  return 0;
}

int on_data(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes, size_t size,
            void* user_data) {
  events_of(user_data).data(stream, as_text({bytes, size}));
  return 0;
}

int on_close(nghttp2_session*, int32_t stream, uint32_t, void* user_data) {
  events_of(user_data).stream_closed(stream);
  return 0;
}

ssize_t read_answer(nghttp2_session*, int32_t stream, uint8_t* out, size_t size, uint32_t* flags,
                    nghttp2_data_source* source, void*) {
  bool last = false;
  const std::span<char> room(static_cast<char*>(static_cast<void*>(out)), size);
  const size_t taken = events_of(source->ptr).take_answer(stream, room, last);
  if (last) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (taken == 0 && !last) return NGHTTP2_ERR_DEFERRED;
  return static_cast<ssize_t>(taken);
}

struct Deleter {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
  void operator()(nghttp2_session_callbacks* callbacks) const {
    nghttp2_session_callbacks_del(callbacks);
  }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

// Fails for want of memory only, which ends the process everywhere else too.
void must_work(int result) {
  if (result != 0) panic("the HTTP/2 library refused a call that is always allowed");
}

Owned<nghttp2_session> make_session(H2Events& events) {
  nghttp2_session_callbacks* raw_callbacks = nullptr;
  must_work(nghttp2_session_callbacks_new(&raw_callbacks));
  const Owned<nghttp2_session_callbacks> callbacks(raw_callbacks);
  nghttp2_session_callbacks_set_on_begin_frame_callback(raw_callbacks, on_begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(raw_callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(raw_callbacks, on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(raw_callbacks, on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(raw_callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(raw_callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(raw_callbacks, on_close);

  nghttp2_option* raw_options = nullptr;
  must_work(nghttp2_option_new(&raw_options));
  const Owned<nghttp2_option> options(raw_options);
  // A window is granted as bodies are consumed, not as they arrive.
  nghttp2_option_set_no_auto_window_update(raw_options, 1);
  nghttp2_option_set_max_outbound_ack(raw_options, acknowledgements_max);
  nghttp2_option_set_max_settings(raw_options, settings_entries_max);
  nghttp2_option_set_max_continuations(raw_options, continuations_max);
  // Closed streams are forgotten at once, and with them the priorities nobody uses.
  nghttp2_option_set_no_closed_streams(raw_options, 1);

  nghttp2_session* session = nullptr;
  must_work(nghttp2_session_server_new2(&session, raw_callbacks, &events, raw_options));
  return Owned<nghttp2_session>(session);
}

}  // namespace

class H2Session::Impl final {
 public:
  Impl(H2Events& events, const H2SessionOptions& options)
      : events(events), session(make_session(events)) {
    const auto settings = std::to_array<nghttp2_settings_entry>({
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.head_bytes_max},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    });
    must_work(nghttp2_submit_settings(session.get(), NGHTTP2_FLAG_NONE, settings.data(),
                                      settings.size()));
    must_work(nghttp2_session_set_local_window_size(
        session.get(), NGHTTP2_FLAG_NONE, 0,
        static_cast<int32_t>(options.connection_window_bytes)));
  }

  H2Events& events;
  Owned<nghttp2_session> session;
  bool broken = false;
};

H2Session::H2Session(H2Events& events, const H2SessionOptions& options)
    : impl_(std::make_unique<Impl>(events, options)) {}
H2Session::~H2Session() = default;

bool H2Session::receive(std::string_view bytes) {
  if (impl_->broken) return false;
  const ByteView view = as_bytes(bytes);
  const ssize_t taken = nghttp2_session_mem_recv(impl_->session.get(), view.data(), view.size());
  if (taken >= 0) return true;
  impl_->broken = true;
  const bool flooded = taken == NGHTTP2_ERR_FLOODED;
  go_away(flooded ? H2Error::enhance_your_calm : H2Error::protocol_error);
  return false;
}

std::string_view H2Session::next_output() {
  const uint8_t* bytes = nullptr;
  const ssize_t size = nghttp2_session_mem_send(impl_->session.get(), &bytes);
  if (size <= 0) {
    impl_->broken = impl_->broken || size < 0;
    return {};
  }
  return as_text({bytes, static_cast<size_t>(size)});
}

void H2Session::submit_head(int32_t stream, int status, std::vector<H2Field> fields, bool ends) {
  std::array<char, 4> digits{};
  std::to_chars(digits.data(), digits.data() + digits.size(), status);
  std::array<char, 8> name{":status"};
  std::vector<nghttp2_nv> list;
  const auto add = [&list](std::span<char> key, std::span<char> value) {
    list.push_back(
        {bytes_of(key), bytes_of(value), key.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  };
  add(std::span(name).first<7>(), std::span(digits).first<3>());
  for (const H2Field& field : fields) add(field.name, field.value);
  nghttp2_data_provider body{.source = {.ptr = &impl_->events}, .read_callback = read_answer};
  // A stream that is gone by now is no error: nobody waits for the answer.
  nghttp2_submit_response(impl_->session.get(), stream, list.data(), list.size(),
                          ends ? nullptr : &body);
}

void H2Session::submit_continue(int32_t stream) {
  std::array<char, 8> name{":status"};
  std::array<char, 4> value{"100"};
  const nghttp2_nv field{bytes_of(name), bytes_of(value), 7, 3, NGHTTP2_NV_FLAG_NONE};
  nghttp2_submit_headers(impl_->session.get(), NGHTTP2_FLAG_NONE, stream, nullptr, &field, 1,
                         nullptr);
}

void H2Session::resume_answer(int32_t stream) {
  nghttp2_session_resume_data(impl_->session.get(), stream);
}

void H2Session::reset(int32_t stream, H2Error error) {
  nghttp2_submit_rst_stream(impl_->session.get(), NGHTTP2_FLAG_NONE, stream,
                            static_cast<uint32_t>(error));
}

void H2Session::consume(int32_t stream, size_t bytes) {
  nghttp2_session_consume(impl_->session.get(), stream, bytes);
}

void H2Session::consume_connection(size_t bytes) {
  nghttp2_session_consume_connection(impl_->session.get(), bytes);
}

// Two steps in one, since streams that are on their way are refused by number, and can be repeated
// elsewhere (RFC 9113 §6.8).
void H2Session::begin_go_away() {
  nghttp2_session* session = impl_->session.get();
  nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR, nullptr,
                        0);
}

void H2Session::go_away(H2Error error) {
  nghttp2_session_terminate_session(impl_->session.get(), static_cast<uint32_t>(error));
}

bool H2Session::refuses_input() const {
  return impl_->broken || nghttp2_session_want_read(impl_->session.get()) == 0;
}

bool H2Session::over() const {
  nghttp2_session* session = impl_->session.get();
  const bool wants_read = !impl_->broken && nghttp2_session_want_read(session) != 0;
  return !wants_read && nghttp2_session_want_write(session) == 0;
}

}  // namespace countersign::http
