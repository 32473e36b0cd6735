// PROXY protocol, version 2: the address of the client, as a balancer in front of a listener tells
// it before the first byte of TLS. Pure: bytes in, address out.
//
// Strict: version 2 and TCP alone; the lengths have to fit; a checksum that is there has to be
// right. Whether the sender may say this is not checked here: listeners list whom they believe.
// Fails closed: who is listed and sends anything else is not served.

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/ip_address.h"
#include "core/result.h"

namespace countersign::net {

inline constexpr size_t proxy_prefix_bytes = 16;       // tells how long the whole header is
inline constexpr size_t proxy_header_bytes_max = 536;  // of which 520 for address and extensions

// The length of the whole header that begins with these `proxy_prefix_bytes`.
// `net.proxy_malformed`.
Result<size_t> proxy_header_bytes(std::string_view prefix);

// Where the client connected from; nothing if the balancer speaks for itself (LOCAL: its health
// check). `header` is whole and nothing else. `net.proxy_malformed`.
Result<std::optional<Endpoint>> parse_proxy_header(std::string_view header);

}  // namespace countersign::net
