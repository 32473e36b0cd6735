#include "http_llhttp_reader.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>

namespace countersign::testing {
namespace {

size_t number_after(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return 0;
  size_t value = 0;
  std::from_chars(line.data() + at + key.size(), line.data() + line.size(), value);
  return value;
}

// The value of a string member in the options' one-line JSON, which is not worth a parser.
std::string option(std::string_view meta, std::string_view name) {
  size_t at = meta.find("\"" + std::string(name) + "\"");
  if (at == std::string_view::npos) return {};
  at = meta.find('"', meta.find(':', at)) + 1;
  return std::string(meta.substr(at, meta.find('"', at) - at));
}

// In this order, as the suite does it: the block's last line end goes, an escaped line end goes,
// line ends become CRLF, and the escapes \r \n \t \f \xHH become bytes. Any other backslash is one.
std::string unescape(std::string_view block) {
  std::string out;
  if (block.ends_with('\n')) block.remove_suffix(1);
  for (size_t i = 0; i < block.size(); ++i) {
    const char c = block[i];
    const char next = i + 1 < block.size() ? block[i + 1] : '\0';
    if (c == '\n') {
      out += "\r\n";
    } else if (c != '\\') {
      out += c;
    } else if (next == '\n') {
      ++i;
    } else if (const size_t escape = std::string_view("rntf").find(next);
               escape != std::string_view::npos && next != '\0') {
      out += "\r\n\t\f"[escape];
      ++i;
    } else if (next == 'x') {
      int value = 0;
      const auto end = std::from_chars(block.data() + i + 2,
                                       block.data() + std::min(block.size(), i + 4), value, 16)
                           .ptr;
      out += static_cast<char>(value);
      i = static_cast<size_t>(end - block.data()) - 1;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

int LlhttpCase::error() const {
  return static_cast<int>(number_after(log, "error code="));
}

size_t LlhttpCase::messages_completed() const {
  size_t count = 0;
  constexpr std::string_view line = " message complete";
  for (size_t at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++count;
  return count;
}

size_t LlhttpCase::body_bytes() const {
  size_t bytes = 0;
  for (size_t at = 0; at < log.size();) {
    const size_t end = log.find('\n', at);
    const std::string_view line = std::string_view(log).substr(at, end - at);
    if (line.find("span[body]") != std::string_view::npos) bytes += number_after(line, "len=");
    at = end == std::string::npos ? log.size() : end + 1;
  }
  return bytes;
}

std::vector<LlhttpCase> read_llhttp_cases(const std::string& path, const std::string& name) {
  std::vector<LlhttpCase> cases;
  std::map<std::string, int> seen;
  std::string heading, meta, block, fence;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```") && fence.empty()) {
      fence = line.substr(3);
      block.clear();
    } else if (line.starts_with("```")) {
      if (fence == "http") {
        const int count = ++seen[heading];
        LlhttpCase next;
        next.id = name + ": " + heading + (count > 1 ? " #" + std::to_string(count) : "");
        next.type = option(meta, "type");
        next.skip_body = meta.find("\"skipBody\": true") != std::string::npos;
        next.input = unescape(block);
        cases.push_back(std::move(next));
      } else if (fence == "log" && !cases.empty()) {
        cases.back().log = block;
      }
      fence.clear();
    } else if (!fence.empty()) {
      block += line + "\n";
    } else if (line.starts_with("#")) {
      heading = line.substr(line.find(' ') + 1);
    } else if (line.starts_with("<!-- meta=")) {
      meta = line;
    }
  }
  return cases;
}

}  // namespace countersign::testing
