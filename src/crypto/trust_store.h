// TrustStore: the certification authorities that are believed. Private anchors only, given as text;
// the system's store is never read. The verification policy travels with it: RFC 5280 strictly, no
// partial chains, security level 2, names from subjectAltName alone, at most four intermediates.

#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "crypto/certificate.h"

struct x509_store_st;

namespace countersign::crypto {

class TrustStore final {
 public:
  // A PEM bundle. `crypto.no_trust_anchor` if it holds none; `crypto.anchor_not_ca` if one may not
  // sign certificates (a leaf that is trusted as it stands could sign others);
  // `crypto.bad_certificate` if one cannot be read. Fails closed: never a store with part of the
  // bundle. Does not check validity periods: verification does.
  static Result<TrustStore> from_pem(std::string_view bundle);

  const std::vector<Certificate>& anchors() const { return anchors_; }

  // For SSL_CTX_set1_cert_store, which takes its own reference. Shared by copies of this object,
  // safe from many threads. The SSL_CTX must also be set to security level 2, which OpenSSL takes
  // from there and not from the store.
  x509_store_st* native() const { return store_.get(); }

 private:
  TrustStore(std::shared_ptr<x509_store_st> store, std::vector<Certificate> anchors)
      : store_(std::move(store)), anchors_(std::move(anchors)) {}
  std::shared_ptr<x509_store_st> store_;
  std::vector<Certificate> anchors_;
};

}  // namespace countersign::crypto
