#include "net/resolver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netdb.h>
#include <sys/socket.h>

#include "net/socket_address.h"

namespace countersign::net {
namespace {

Error resolve_failed(const std::string& host, std::string_view why) {
  return make_error(ErrorKind::unavailable, "net.resolve_failed", "the host name has no address",
                    host + ": " + std::string(why));
}

}  // namespace

Result<Addresses> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found)) {
    return fail(resolve_failed(host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Addresses addresses;
  for (const addrinfo* one = found; one; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    SocketAddress address;
    std::memcpy(address.get(), one->ai_addr, one->ai_addrlen);
    const IpAddress ip = address.endpoint().address;
    if (std::ranges::find(addresses, ip) == addresses.end()) addresses.push_back(ip);
  }
  if (addresses.empty()) return fail(resolve_failed(host, "no IP address"));
  return addresses;
}

Resolver::Resolver(const Clock& clock, Options options)
    : clock_(clock), options_(std::move(options)), worker_(options_.worker) {}

Task<Result<Addresses>> Resolver::resolve(Executor& executor, std::string host, BootTime deadline) {
  if (const auto literal = IpAddress::parse(host)) co_return Addresses{*literal};
  if (auto known = remembered(host)) co_return *std::move(known);
  std::move_only_function<Result<Addresses>()> work = [this, host] {
    return look_up_and_remember(host);
  };
  co_return co_await run_on<Addresses>(worker_, executor, std::move(work), deadline);
}

std::optional<Result<Addresses>> Resolver::remembered(const std::string& host) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(host);
  if (found == known_.end() || found->second.until <= clock_.boot_now()) return {};
  return found->second.answer;
}

Result<Addresses> Resolver::look_up_and_remember(const std::string& host) {
  // Whoever asked for the same name while this waited in the queue has the answer already.
  if (auto known = remembered(host)) return *std::move(known);
  Result<Addresses> answer = options_.look_up(host);
  const BootTime until =
      clock_.boot_now() + (answer ? options_.positive_ttl : options_.negative_ttl);
  const std::lock_guard lock(mutex_);
  if (known_.size() >= options_.names_max) known_.clear();
  known_.insert_or_assign(host, Known{answer, until});
  return answer;
}

}  // namespace countersign::net
