// Credentials as a human may see them: what is public in them, and how long they are. Never enough
// to use or to guess.

#pragma once

#include <string>
#include <string_view>

namespace countersign::consumer {

// An API key: "cs_live_4fXk9aQ2LmZ7_… (64 bytes)" for keys of our form (protocol/api_key.h), whose
// id is public, and "… (64 bytes)" for any other.
std::string redacted_key(std::string_view key);

// An access token: "… (812 bytes, JWT, kid k1)" where its header can be read (a header is public),
// "… (40 bytes)" otherwise.
std::string redacted_token(std::string_view token);

}  // namespace countersign::consumer
