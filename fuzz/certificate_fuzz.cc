// Certificates, as DER and as PEM, from anyone who can start a handshake or write a bundle. What is
// accepted survives being written as PEM, and no name holds what does not belong into one.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "crypto/certificate.h"
#include "crypto/trust_store.h"
#include "crypto/verified_peer.h"

namespace {

using namespace countersign;
using namespace countersign::crypto;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_certificate(const Certificate& certificate) {
  const auto again = parse_certificate_pem(to_pem(certificate));
  check(again.has_value() && again->thumbprint == certificate.thumbprint);
  for (const auto* names :
       {&certificate.names.dns, &certificate.names.uris, &certificate.names.emails}) {
    for (const std::string& name : *names) {
      check(!name.empty() &&
            std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; }));
    }
  }
  const auto printable = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; };
  check(std::ranges::all_of(certificate.subject, printable));
  check(std::ranges::all_of(certificate.issuer, printable));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(data, size);
  if (const auto certificate = parse_certificate(input)) check_certificate(*certificate);
  const auto bundle = parse_certificates_pem(as_text(input));
  if (bundle) {
    check(!bundle->empty());
    for (const Certificate& certificate : *bundle) check_certificate(certificate);
  }
  const auto store = TrustStore::from_pem(as_text(input));
  if (store) {
    check(bundle.has_value() && store->anchors().size() == bundle->size());
    const auto peer = verify_chain(bundle->front(), *bundle, *store, PeerRules::client(),
                                   from_unix_seconds(1'800'000'000));
    check(!peer.has_value());  // an anchor is a CA, and a CA is no peer
  }
  return 0;
}
