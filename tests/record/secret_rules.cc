#include "record/secret_rules.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/ascii.h"

namespace countersign::testing {
namespace {

constexpr size_t secret_chars_min = 16;
constexpr size_t tail_chars = 4;
constexpr int distinct_min = 5;
constexpr std::string_view private_key = "PRIVATE KEY-----";
// Members that `key issue` and `client add` print, in JSON as in text.
constexpr std::string_view shown_names[] = {"api_key", "client_secret"};

bool is_base64url(char c) {
  return ascii::is_alnum(c) || c == '-' || c == '_';
}
bool is_token_char(char c) {
  return is_base64url(c) || c == '+' || c == '/' || c == '.' || c == '~' || c == '=';
}

void add(std::vector<std::string>& fragments, std::string_view fragment) {
  if (fragment.size() != fragment_chars) return;
  if (std::set<char>(fragment.begin(), fragment.end()).size() < distinct_min) return;
  fragments.emplace_back(fragment);
}

// The private number of a PKCS #8 key, as base64, behind what keys of one kind have in common: 32
// bytes of Ed25519 and P-256; RSA's, behind its public ones.
std::vector<std::string> fragments_of_pem(std::string_view text) {
  std::vector<std::string> fragments;
  for (size_t at = text.find(private_key); at != std::string_view::npos;
       at = text.find(private_key, at)) {
    at += private_key.size();
    const size_t end = std::min(text.find("-----END", at), text.size());
    std::string body;
    for (const char c : text.substr(at, end - at)) {
      if (is_token_char(c)) body += c;
    }
    const size_t from = body.size() <= 64 ? 24 : body.size() <= 256 ? 52 : 440;
    for (size_t i = from; i < from + 3 * fragment_chars && i < body.size(); i += fragment_chars)
      add(fragments, std::string_view(body).substr(i, fragment_chars));
    at = end;
    const size_t behind = text.find('\n', end);
    if (behind == std::string_view::npos) break;
    at = behind;
  }
  return fragments;
}

// "7:" and a key in base64url.
std::string_view sealing_key_of(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line.size() - colon - 1 != 43) return {};
  if (!std::ranges::all_of(line.substr(0, colon), ascii::is_digit)) return {};
  const std::string_view key = line.substr(colon + 1);
  return std::ranges::all_of(key, is_base64url) ? key : std::string_view();
}

std::string value_behind(std::string_view output, std::string_view name) {
  // "client_secret" is also the beginning of a method's name.
  size_t at = output.find(std::string(name) + "\"");
  if (at == std::string_view::npos) at = output.find(std::string(name) + ":");
  if (at == std::string_view::npos) return {};
  const size_t begin = output.find_first_not_of("\": ", at + name.size());
  if (begin == std::string_view::npos) return {};
  size_t end = begin;
  while (end < output.size() && is_base64url(output[end])) ++end;
  return std::string(output.substr(begin, end - begin));
}

bool is_command(const std::vector<std::string>& argv, std::string_view first,
                std::string_view second = {}) {
  if (argv.size() < 2 || !argv[0].ends_with("/countersign") || argv[1] != first) return false;
  return second.empty() || (argv.size() > 2 && argv[2] == second);
}

size_t three_chars(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(text[i])); };
  return byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
}

size_t count_from(std::string_view text, size_t at, bool (*is_part)(char)) {
  const size_t from = at;
  while (at < text.size() && is_part(text[at])) ++at;
  return at - from;
}

// "eyJ….eyJ….…": header, claims and signature.
void find_tokens(std::string_view output, std::vector<std::string>& found) {
  for (size_t at = output.find("eyJ"); at != std::string_view::npos;
       at = output.find("eyJ", at + 3)) {
    const size_t header = count_from(output, at, is_base64url);
    const size_t claims_at = at + header + 1;
    if (!output.substr(claims_at - 1).starts_with(".eyJ")) continue;
    const size_t claims = count_from(output, claims_at, is_base64url);
    const size_t end = claims_at + claims;
    if (end >= output.size() || output[end] != '.') continue;
    if (count_from(output, end + 1, is_base64url) >= secret_chars_min)
      found.push_back("a signed token: " + std::string(output.substr(at, 20)) + "…");
  }
}

void find_credentials(std::string_view output, std::vector<std::string>& found) {
  // Not "ApiKey": what stands behind it may be the part of a key that is public.
  for (const std::string_view scheme : {"Bearer ", "Basic "}) {
    for (size_t at = output.find(scheme); at != std::string_view::npos;
         at = output.find(scheme, at + scheme.size())) {
      const size_t value = at + scheme.size();
      if (count_from(output, value, is_token_char) >= secret_chars_min)
        found.push_back("a credential: " + std::string(output.substr(at, scheme.size() + 6)) + "…");
    }
  }
}

}  // namespace

std::vector<std::string> fragments_of(std::string_view secret) {
  std::vector<std::string> fragments;
  if (secret.size() < secret_chars_min) return fragments;
  const size_t last = secret.size() - tail_chars - fragment_chars;
  add(fragments, secret.substr(last, fragment_chars));
  if (secret.size() >= 40) add(fragments, secret.substr(last - fragment_chars, fragment_chars));
  return fragments;
}

std::vector<std::string> fragments_of_file(std::string_view text) {
  if (text.find(private_key) != std::string_view::npos) return fragments_of_pem(text);
  std::vector<std::string> fragments;
  const std::string_view trimmed = ascii::trim(text.substr(0, text.find_last_not_of('\n') + 1));
  const bool one_line = trimmed.find('\n') == std::string_view::npos && !trimmed.starts_with('{') &&
                        !trimmed.starts_with('[');
  for (size_t at = 0; at < trimmed.size();) {
    const size_t end = std::min(trimmed.find('\n', at), trimmed.size());
    const std::string_view line = trimmed.substr(at, end - at);
    const std::string_view key = sealing_key_of(line);
    const std::string_view secret = key.empty() && one_line ? line : key;
    for (std::string& fragment : fragments_of(secret)) fragments.push_back(std::move(fragment));
    at = end + 1;
  }
  return fragments;
}

std::vector<std::string> take_what_is_shown_once(const std::vector<std::string>& argv,
                                                 std::string& output) {
  if (is_command(argv, "generate")) return fragments_of_file(std::exchange(output, {}));
  std::vector<std::string> fragments;
  if (!is_command(argv, "key", "issue") && !is_command(argv, "client", "add")) return fragments;
  for (const std::string_view name : shown_names) {
    const std::string value = value_behind(output, name);
    if (value.empty()) continue;
    for (std::string& fragment : fragments_of(value)) fragments.push_back(std::move(fragment));
    output.erase(output.find(value), value.size());
  }
  return fragments;
}

SecretSearch::SecretSearch(std::unordered_set<std::string> fragments)
    : fragments_(std::move(fragments)), beginnings_(size_t{1} << 24) {
  for (const std::string& fragment : fragments_) beginnings_[three_chars(fragment, 0)] = true;
}

std::vector<std::string> SecretSearch::found_in(std::string_view output) const {
  std::vector<std::string> found;
  for (size_t at = 0; at + fragment_chars <= output.size(); ++at) {
    if (!beginnings_[three_chars(output, at)]) continue;
    std::string here(output.substr(at, fragment_chars));
    if (fragments_.contains(here)) found.push_back("a registered secret: …" + here + "…");
  }
  if (output.find(private_key) != std::string_view::npos) found.emplace_back("a private key");
  find_tokens(output, found);
  find_credentials(output, found);
  return found;
}

}  // namespace countersign::testing
