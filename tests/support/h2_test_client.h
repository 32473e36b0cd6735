// The client's side of an HTTP/2 connection, played by the library's own client over a memory
// stream. For the tests of the server's side.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "core/bytes.h"
#include "support/raw_peer.h"

namespace countersign::http {

struct H2TestAnswer {
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool ended = false;   // END_STREAM came
  bool closed = false;  // the stream is gone
  uint32_t error = 0;   // with this
  int interim = 0;      // 1xx heads before

  std::string value(std::string_view name) const {
    for (const auto& [key, text] : fields) {
      if (key == name) return text;
    }
    return {};
  }
  std::string status() const { return value(":status"); }
};

class H2TestClient final {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  explicit H2TestClient(testing::RawPeer& peer) : peer_(peer) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option* options = nullptr;
    nghttp2_option_new(&options);
    // What a client of good manners would not send, this one can.
    nghttp2_option_set_no_http_messaging(options, 1);
    nghttp2_session_client_new2(&session_, callbacks, this, options);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~H2TestClient() { nghttp2_session_del(session_); }
  H2TestClient(const H2TestClient&) = delete;

  static Fields get(std::string_view path, const Fields& more = {}) {
    Fields fields = {
        {":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", std::string(path)}};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  }
  static Fields post(std::string_view path, const Fields& more = {}) {
    Fields fields = get(path, more);
    fields[0].second = "POST";
    return fields;
  }

  // Without a body.
  int32_t request(const Fields& fields) { return submit(fields, nullptr); }
  // With this body, sent as far as the windows allow; `open`: the end is not sent.
  int32_t request(const Fields& fields, std::string_view body, bool open = false) {
    bodies_.push_back(std::make_unique<Body>(Body{std::string(body), open}));
    nghttp2_data_provider provider{.source = {.ptr = bodies_.back().get()},
                                   .read_callback = read_body};
    return submit(fields, &provider);
  }
  void reset(int32_t stream) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
  }
  void ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }
  void trailers(int32_t stream, Fields fields) {
    const auto list = list_of(fields);
    nghttp2_submit_trailer(session_, stream, list.data(), list.size());
  }

  // What is to be sent, taken for the test to send it by other means.
  std::string take_output() {
    std::string all;
    for (;;) {
      const uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
      if (size <= 0) return all;
      all += as_text({bytes, static_cast<size_t>(size)});
    }
  }
  // Back and forth until nothing moves any more.
  void exchange() {
    for (;;) {
      const std::string out = take_output();
      peer_.write(out);
      const std::string in = peer_.read();
      if (out.empty() && in.empty()) return;
      const ByteView bytes = as_bytes(in);
      if (nghttp2_session_mem_recv(session_, bytes.data(), bytes.size()) < 0) ++protocol_errors;
    }
  }

  H2TestAnswer& answer(int32_t stream) { return answers_[stream]; }
  nghttp2_session* session() { return session_; }
  size_t goaways = 0;
  uint32_t goaway_error = 0;
  size_t protocol_errors = 0;  // the server's

 private:
  struct Body {
    std::string rest;
    bool open = false;
  };

  // Views into `fields`, which the library copies when it is given the list.
  static std::vector<nghttp2_nv> list_of(Fields& fields) {
    const auto bytes = [](std::string& text) {
      return static_cast<uint8_t*>(static_cast<void*>(text.data()));
    };
    std::vector<nghttp2_nv> list;
    for (auto& [name, value] : fields)
      list.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    return list;
  }
  int32_t submit(Fields fields, const nghttp2_data_provider* body) {
    const auto list = list_of(fields);
    return nghttp2_submit_request(session_, nullptr, list.data(), list.size(), body, nullptr);
  }

  static H2TestClient& client_of(void* user) { return *static_cast<H2TestClient*>(user); }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user) {
    H2TestAnswer& answer = client_of(user).answers_[frame->hd.stream_id];
    const std::string key(as_text({name, name_size}));
    const std::string text(as_text({value, value_size}));
    if (key == ":status" && text.starts_with('1')) {
      ++answer.interim;
      return 0;
    }
    answer.fields.emplace_back(key, text);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2TestClient& client = client_of(user);
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      ++client.goaways;
      client.goaway_error = frame->goaway.error_code;
    } else if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) && ends) {
      client.answers_[frame->hd.stream_id].ended = true;
    }
    return 0;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes, size_t size,
                     void* user) {
    client_of(user).answers_[stream].body += as_text({bytes, size});
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t stream, uint32_t error, void* user) {
    H2TestAnswer& answer = client_of(user).answers_[stream];
    answer.closed = true;
    answer.error = error;
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, int32_t, uint8_t* out, size_t size, uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    Body& body = *static_cast<Body*>(source->ptr);
    const size_t bytes = std::min(size, body.rest.size());
    if (bytes == 0 && body.open) return NGHTTP2_ERR_DEFERRED;
    std::copy_n(body.rest.begin(), bytes, out);
    body.rest.erase(0, bytes);
    if (body.rest.empty() && !body.open) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(bytes);
  }

  testing::RawPeer& peer_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, H2TestAnswer> answers_;
  std::vector<std::unique_ptr<Body>> bodies_;
};

}  // namespace countersign::http
