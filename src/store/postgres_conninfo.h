// What a configuration says about the way to a PostgreSQL: a libpq connection string or URI,
// without a password. Connects to nothing.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace countersign::store {

// One of the servers that it names. Empty: libpq's default.
struct PostgresTarget {
  std::string host;  // a name, an address, or the folder of a Unix socket
  std::string hostaddr;
  std::string port;
};

class Conninfo final {
 public:
  // `store.no_libpq`. `store.bad_conninfo` (misconfigured), which repeats nothing of the text: it
  // does not parse; it names no host (a folder of a Unix socket is one), so that an environment
  // variable would decide; or it has a key that is not its business: a password (it comes as a
  // Secret), a service or password file (what they add is not seen here), `options`, `gssencmode`
  // and `client_encoding` (set by postgres.cc), `replication`.
  static Result<Conninfo> parse(const std::string& text);

  const std::vector<PostgresTarget>& targets() const { return targets_; }  // at least one
  // Everything else, by libpq's names.
  const std::vector<std::pair<std::string, std::string>>& settings() const { return settings_; }
  bool has(std::string_view name) const { return !setting(name).empty(); }
  std::string_view setting(std::string_view name) const;  // empty if absent

  // "dbname at host, host", for messages.
  std::string name() const;

  // The hosts that would be reached over TCP without a verified certificate: neither a Unix socket
  // nor loopback, and sslmode is not `verify-full`. Whoever sits in between could read and change
  // what is stored there. Looks at what is written, not at what a name resolves to ("localhost" is
  // loopback).
  std::vector<std::string> unsafe_hosts() const;

 private:
  Conninfo() = default;
  std::vector<PostgresTarget> targets_;
  std::vector<std::pair<std::string, std::string>> settings_;
};

}  // namespace countersign::store
