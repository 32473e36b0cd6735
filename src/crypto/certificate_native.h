// Reading extensions of OpenSSL's certificate objects. For the .cc files of this folder only.

#pragma once

#include "core/result.h"
#include "crypto/certificate.h"
#include "crypto/openssl.h"

namespace countersign::crypto {

// The decoded extension, or null if the certificate has none. One that is there but cannot be
// decoded, or is there twice, is an error: taking it for absent would lift what it restricts.
template <typename T, auto free_function>
Result<OpensslPtr<T, free_function>> read_extension(const X509* native, int nid) {
  int critical = 0;
  OpensslPtr<T, free_function> value(
      static_cast<T*>(X509_get_ext_d2i(native, nid, &critical, nullptr)));
  constexpr int not_there = -1;
  if (value == nullptr && critical != not_there) {
    return fail(ErrorKind::invalid_input, "crypto.bad_certificate",
                "the certificate holds an extension that cannot be read", OBJ_nid2sn(nid));
  }
  return value;
}

// subjectAltName (RFC 5280 §4.2.1.6). A name with a NUL or another character that does not belong
// there is `crypto.bad_certificate`: what follows the NUL is unseen by whoever uses C strings.
Result<void> read_alternative_names(const X509* native, SubjectAltNames& out);

}  // namespace countersign::crypto
