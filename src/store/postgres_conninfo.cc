#include "store/postgres_conninfo.h"

#include <algorithm>
#include <array>
#include <memory>

#include "core/ip_address.h"
#include "store/libpq.h"

namespace countersign::store {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { libpq().conninfo_free(options); }
};

std::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorKind::misconfigured, "store.bad_conninfo", what);
}

struct Refused {
  std::string_view key;
  std::string_view why;
};
constexpr auto refused = std::to_array<Refused>({
    {"password", "a password does not belong into a connection string; put it into a file"},
    {"sslpassword", "sslpassword is not taken: use a key file of mode 600 without a passphrase"},
    {"passfile", "passfile is not taken; name a password file of ours"},
    {"service", "a service file is not read; write its parameters out"},
    {"options", "\"options\" is set by the program"},
    {"gssencmode", "gssencmode is not taken: encryption is TLS's"},
    {"client_encoding", "client_encoding is set by the program"},
    {"replication", "replication is not for this"},
});

// "a,b,": three elements, the last one empty.
std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t comma = std::min(list.find(','), list.size());
    parts.emplace_back(list.substr(0, comma));
    if (comma == list.size()) return parts;
    list.remove_prefix(comma + 1);
  }
}

Result<std::vector<PostgresTarget>> make_targets(std::string_view hosts, std::string_view addresses,
                                                 std::string_view ports) {
  const std::vector<std::string> host = split(hosts);
  const std::vector<std::string> address = split(addresses);
  const std::vector<std::string> port = split(ports);
  const size_t count = addresses.empty() ? host.size() : address.size();
  std::vector<PostgresTarget> targets(count);
  if ((!hosts.empty() && host.size() != count) || (port.size() != 1 && port.size() != count)) {
    return bad("host, hostaddr and port of a connection string list different numbers of servers");
  }
  for (size_t i = 0; i < count; ++i) {
    if (!hosts.empty()) targets[i].host = host[i];
    if (!addresses.empty()) targets[i].hostaddr = address[i];
    targets[i].port = port.size() == 1 ? port[0] : port[i];
    if (targets[i].host.empty() && targets[i].hostaddr.empty()) {
      return bad(
          "a connection string names its host (host=db.example.com, or host=/run/postgresql for "
          "the Unix socket in that folder)");
    }
  }
  return targets;
}

bool is_local(const PostgresTarget& target) {
  const std::string& place = target.hostaddr.empty() ? target.host : target.hostaddr;
  if (place.starts_with('/') || place.starts_with('@') || place == "localhost") return true;
  const auto address = IpAddress::parse(place);
  return address && address->is_loopback();
}

}  // namespace

Result<Conninfo> Conninfo::parse(const std::string& text) {
  if (text.empty() || text.find('\0') != std::string::npos)
    return bad("a connection string is missing");
  CS_CHECK(load_libpq());
  // libpq's own message would repeat what it does not understand, perhaps a password.
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      libpq().conninfo_parse(text.c_str(), &message));
  libpq().freemem(message);
  if (!options)
    return bad("a connection string is neither KEY=VALUE pairs nor a postgresql:// URI");
  Conninfo parsed;
  std::string hosts;
  std::string addresses;
  std::string ports;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    const std::string_view value = option->val != nullptr ? option->val : "";
    const std::string_view key = option->keyword;
    if (value.empty()) continue;
    if (const auto row = std::ranges::find(refused, key, &Refused::key); row != refused.end())
      return bad(std::string(row->why));
    if (key == "host") {
      hosts = value;
    } else if (key == "hostaddr") {
      addresses = value;
    } else if (key == "port") {
      ports = value;
    } else {
      parsed.settings_.emplace_back(key, value);
    }
  }
  CS_TRY(parsed.targets_, make_targets(hosts, addresses, ports));
  return parsed;
}

std::string_view Conninfo::setting(std::string_view name) const {
  const auto found =
      std::ranges::find(settings_, name, &std::pair<std::string, std::string>::first);
  return found == settings_.end() ? std::string_view() : found->second;
}

std::string Conninfo::name() const {
  std::string text = has("dbname") ? std::string(setting("dbname")) : "database";
  std::string_view between = " at ";
  for (const PostgresTarget& target : targets_) {
    text.append(between).append(target.host.empty() ? target.hostaddr : target.host);
    if (!target.port.empty()) text.append(":").append(target.port);
    between = ", ";
  }
  return text;
}

std::vector<std::string> Conninfo::unsafe_hosts() const {
  std::vector<std::string> hosts;
  if (setting("sslmode") == "verify-full") return hosts;
  for (const PostgresTarget& target : targets_) {
    if (!is_local(target)) hosts.push_back(target.host.empty() ? target.hostaddr : target.host);
  }
  return hosts;
}

}  // namespace countersign::store
