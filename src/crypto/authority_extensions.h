// The extensions that CertificateAuthority writes. For certificate_authority.cc only.

#pragma once

#include "crypto/certificate_authority.h"
#include "crypto/openssl.h"

namespace countersign::crypto {

// False if OpenSSL refuses one of them. `subject` has its names and key already; for a root it is
// its own issuer.
bool add_authority_extensions(X509* subject, X509* issuer, const AuthorityOptions& options,
                              bool root);
bool add_leaf_extensions(X509* subject, X509* issuer, const CertificateSpec& spec);

}  // namespace countersign::crypto
