// From the library's options, or a configuration file, to what its parts are made of.

#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include <countersign/client.h>

#include "client/api_config.h"
#include "consumer/call_policy.h"

namespace countersign::client {

// What a client is made of, as far as it could be read.
struct ClientPlan {
  ApiConfig api;
  size_t response_bytes_max = 0;
  consumer::CallPolicyOptions policy;
  int threads = 1;
};

// Nothing read may be used if there are problems, but to look for more of them.
struct ReadPlan {
  ClientPlan plan;
  std::vector<Problem> problems;
};

// Reads files that the options name.
ReadPlan read_options(const ClientOptions& options);
// The [[api]] of this name. Of `base`, what the file does not say counts.
ReadPlan read_file(const std::filesystem::path& file, std::string_view api_name,
                   const ClientOptions& base);

}  // namespace countersign::client
