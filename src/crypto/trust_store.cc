#include "crypto/trust_store.h"

#include "crypto/openssl.h"

namespace countersign::crypto {
namespace {

constexpr int security_level =
    2;  // 112 bits: no SHA-1, no RSA below 2048 bits anywhere in the chain
constexpr int intermediates_max =
    4;  // private hierarchies have one or two; path building is bounded

using ParamPtr = OpensslPtr<X509_VERIFY_PARAM, X509_VERIFY_PARAM_free>;

bool set_policy(X509_STORE* store) {
  const ParamPtr policy(X509_VERIFY_PARAM_new());
  if (policy == nullptr) return false;
  X509_VERIFY_PARAM_set_auth_level(policy.get(), security_level);
  X509_VERIFY_PARAM_set_depth(policy.get(), intermediates_max);
  X509_VERIFY_PARAM_set_hostflags(policy.get(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return X509_VERIFY_PARAM_set_flags(policy.get(), X509_V_FLAG_X509_STRICT) == 1 &&
         X509_STORE_set1_param(store, policy.get()) == 1;
}

bool may_issue(const Certificate& anchor) {
  return anchor.version == 3 && anchor.is_ca &&
         (!anchor.has_key_usage || anchor.may_sign_certificates);
}

bool add(X509_STORE* store, const Certificate& anchor) {
  const uint8_t* in = anchor.der.data();
  const X509Ptr native(d2i_X509(nullptr, &in, static_cast<long>(anchor.der.size())));
  return native != nullptr && X509_STORE_add_cert(store, native.get()) == 1;
}

}  // namespace

Result<TrustStore> TrustStore::from_pem(std::string_view bundle) {
  const ErrorQueueCleaner cleaner;
  if (bundle.find("-----BEGIN CERTIFICATE-----") == std::string_view::npos) {
    return fail(ErrorKind::misconfigured, "crypto.no_trust_anchor",
                "the CA bundle holds no certificate, so nobody could be trusted");
  }
  CS_TRY(std::vector<Certificate> anchors, parse_certificates_pem(bundle));
  const std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  if (store == nullptr || !set_policy(store.get())) {
    return fail(ErrorKind::internal, "crypto.no_trust_anchor", "the trust store cannot be made",
                openssl_failure());
  }
  for (const Certificate& anchor : anchors) {
    if (!may_issue(anchor)) {
      return fail(ErrorKind::misconfigured, "crypto.anchor_not_ca",
                  "the CA bundle holds a certificate that is not a CA's", anchor.subject);
    }
    if (!add(store.get(), anchor)) {
      return fail(ErrorKind::misconfigured, "crypto.bad_certificate",
                  "the CA bundle holds a certificate that cannot be used", openssl_failure());
    }
  }
  return TrustStore(store, std::move(anchors));
}

}  // namespace countersign::crypto
