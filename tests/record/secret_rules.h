// What of a text is a secret, and where secrets are in output. A secret is searched for by
// fragments of twelve characters from its private part, so that one that was cut short, or printed
// in the middle of something, is found too.

#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace countersign::testing {

inline constexpr size_t fragment_chars = 12;

// Of one secret: its last characters but four (API keys begin with what is public and end with a
// checksum), and some before them. None of a text that is too short or too regular to be told from
// others.
std::vector<std::string> fragments_of(std::string_view secret);

// Of a file that a test writes for a program: private keys in PEM, lines of a sealing-key file, a
// text of one line. None of configurations and certificates.
std::vector<std::string> fragments_of_file(std::string_view text);

// What commands print on purpose, once: `generate`'s whole standard output; the `api_key` and the
// `client_secret` of `key issue` and `client add`. Moves it out of `output`, one occurrence each.
std::vector<std::string> take_what_is_shown_once(const std::vector<std::string>& argv,
                                                 std::string& output);

// Texts that give a secret away in `output`: fragments that are in `fragments`, private keys,
// signed tokens and values of Authorization fields, whether somebody has registered them or not.
class SecretSearch final {
 public:
  explicit SecretSearch(std::unordered_set<std::string> fragments);
  std::vector<std::string> found_in(std::string_view output) const;

 private:
  std::unordered_set<std::string> fragments_;
  std::vector<bool> beginnings_;  // which three characters a fragment begins with
};

}  // namespace countersign::testing
