#include "consumer/journalled_request.h"

#include <array>

namespace countersign::consumer {
namespace {

std::array<uint8_t, 4> length_of(size_t bytes) {
  const auto n = static_cast<uint32_t>(bytes);
  return {static_cast<uint8_t>(n >> 24), static_cast<uint8_t>(n >> 16),
          static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)};
}

void append_length(Bytes& out, size_t bytes) {
  const auto length = length_of(bytes);
  out.insert(out.end(), length.begin(), length.end());
}

void append(Bytes& out, std::string_view text) {
  append_length(out, text.size());
  out.insert(out.end(), text.begin(), text.end());
}

class Reader final {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}
  size_t length() {
    if (rest_.size() < 4) return refuse();
    const size_t n =
        size_t{rest_[0]} << 24 | size_t{rest_[1]} << 16 | size_t{rest_[2]} << 8 | size_t{rest_[3]};
    rest_ = rest_.subspan(4);
    return n;
  }
  std::string text() {
    const size_t bytes = length();
    if (bytes > rest_.size()) refuse();
    if (refused_) return {};
    std::string out(as_text(rest_.first(bytes)));
    rest_ = rest_.subspan(bytes);
    return out;
  }
  size_t left() const { return rest_.size(); }
  bool refused() const { return refused_; }

 private:
  size_t refuse() {
    refused_ = true;
    return 0;
  }
  ByteView rest_;
  bool refused_ = false;
};

}  // namespace

crypto::Sha256Digest digest_of(std::string_view method, std::string_view target,
                               std::string_view body) {
  crypto::Sha256Stream stream;
  for (const std::string_view part : {method, target, body}) {
    stream.update(length_of(part.size()));
    stream.update(as_bytes(part));
  }
  return stream.finish();
}

Bytes serialize(const JournalledRequest& request) {
  Bytes out;
  append(out, request.method);
  append(out, request.target);
  append_length(out, request.fields.size());
  for (const auto& [name, value] : request.fields) {
    append(out, name);
    append(out, value);
  }
  append(out, request.body);
  return out;
}

Result<JournalledRequest> parse_journalled_request(ByteView bytes) {
  Reader reader(bytes);
  JournalledRequest request;
  request.method = reader.text();
  request.target = reader.text();
  // Each field takes eight bytes at least: a length that lies cannot make this loop long.
  const size_t fields = reader.length();
  for (size_t i = 0; i < fields && !reader.refused(); ++i) {
    std::string name = reader.text();
    std::string value = reader.text();
    request.fields.emplace_back(std::move(name), std::move(value));
  }
  request.body = reader.text();
  if (reader.refused() || reader.left() != 0)
    return fail(ErrorKind::corrupt, "journal.bad_entry", "a journalled request is damaged");
  return request;
}

}  // namespace countersign::consumer
