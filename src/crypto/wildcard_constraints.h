// What OpenSSL 3.0 leaves out of name constraints: it compares "*.example.com" with an excluded
// "pay.example.com" as text, although the wildcard stands for that name, too. For verified_peer.cc
// only.

#pragma once

#include "core/result.h"
#include "crypto/certificate.h"

struct stack_st_X509;

namespace countersign::crypto {

// `crypto.peer_name_constraints` if a wildcard in the leaf's SAN can stand for a name that a CA of
// the chain (all but its first) excludes. RFC 5280 §4.2.1.10. Fails closed.
Result<void> check_wildcards(const Certificate& leaf, const stack_st_X509* verified_chain);

// True if some name that "*.`base`" stands for lies within the excluded subtree. ASCII case is
// ignored.
bool wildcard_reaches(std::string_view base, std::string_view excluded);

}  // namespace countersign::crypto
