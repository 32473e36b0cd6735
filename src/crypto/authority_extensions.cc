#include "crypto/authority_extensions.h"

#include <array>

#include "core/ip_address.h"

namespace countersign::crypto {
namespace {

using NamesPtr = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
using NamePtr = OpensslPtr<GENERAL_NAME, GENERAL_NAME_free>;
using ConstraintsPtr = OpensslPtr<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;
using StringPtr = OpensslPtr<ASN1_STRING, ASN1_STRING_free>;

// `value` in the syntax of OpenSSL's x509v3_config; only ever one of our constants.
bool add_constant(X509* subject, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, subject, nullptr, nullptr, 0);
  const OpensslPtr<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(subject, extension.get(), -1) == 1;
}

NamePtr general_name(int type, std::string_view value) {
  NamePtr name(GENERAL_NAME_new());
  StringPtr text(type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new());
  if (name == nullptr || text == nullptr ||
      ASN1_STRING_set(text.get(), value.data(), static_cast<int>(value.size())) != 1) {
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), type, text.release());
  return name;
}

bool push(GENERAL_NAMES* names, NamePtr name) {
  if (name == nullptr || sk_GENERAL_NAME_push(names, name.get()) <= 0) return false;
  static_cast<void>(name.release());  // the stack owns it
  return true;
}

bool push_address(GENERAL_NAMES* names, std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address) return false;
  const size_t size = address->is_v4() ? 4 : 16;
  return push(names, general_name(GEN_IPADD, as_text(ByteView(address->octets()).first(size))));
}

bool add_alternative_names(X509* subject, const CertificateSpec& spec) {
  const NamesPtr names(GENERAL_NAMES_new());
  bool ok = names != nullptr;
  for (const auto& name : spec.dns_names) ok = ok && push(names.get(), general_name(GEN_DNS, name));
  for (const auto& uri : spec.uris) ok = ok && push(names.get(), general_name(GEN_URI, uri));
  for (const auto& address : spec.ip_addresses) ok = ok && push_address(names.get(), address);
  if (spec.unsafe_flaws.dns_name_with_nul) {
    constexpr std::string_view deceiving("bank.example\0.evil.example", 26);
    ok = ok && push(names.get(), general_name(GEN_DNS, deceiving));
  }
  if (!ok) return false;
  if (sk_GENERAL_NAME_num(names.get()) == 0) return true;
  return X509_add1_ext_i2d(subject, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_purposes(X509* subject, X509* issuer, const CertificateSpec& spec) {
  std::string value;
  for (const CertificatePurpose purpose : spec.purposes) {
    if (!value.empty()) value += ',';
    switch (purpose) {
      case CertificatePurpose::server_auth:
        value += "serverAuth";
        break;
      case CertificatePurpose::client_auth:
        value += "clientAuth";
        break;
      case CertificatePurpose::any:
        value += "anyExtendedKeyUsage";
        break;
    }
  }
  return value.empty() || add_constant(subject, issuer, NID_ext_key_usage, value.c_str());
}

bool push_subtrees(STACK_OF(GENERAL_SUBTREE) * *subtrees, const std::vector<std::string>& names) {
  if (names.empty()) return true;
  *subtrees = sk_GENERAL_SUBTREE_new_null();
  if (*subtrees == nullptr) return false;
  for (const auto& name : names) {
    OpensslPtr<GENERAL_SUBTREE, GENERAL_SUBTREE_free> subtree(GENERAL_SUBTREE_new());
    NamePtr base = general_name(GEN_DNS, name);
    if (subtree == nullptr || base == nullptr) return false;
    GENERAL_NAME_free(subtree->base);
    subtree->base = base.release();
    if (sk_GENERAL_SUBTREE_push(*subtrees, subtree.get()) <= 0) return false;
    static_cast<void>(subtree.release());  // the stack owns it
  }
  return true;
}

bool add_name_constraints(X509* subject, const AuthorityOptions& options) {
  if (options.permitted_dns.empty() && options.excluded_dns.empty()) return true;
  const ConstraintsPtr constraints(NAME_CONSTRAINTS_new());
  return constraints != nullptr &&
         push_subtrees(&constraints->permittedSubtrees, options.permitted_dns) &&
         push_subtrees(&constraints->excludedSubtrees, options.excluded_dns) &&
         X509_add1_ext_i2d(subject, NID_name_constraints, constraints.get(), /*crit=*/1,
                           X509V3_ADD_DEFAULT) == 1;
}

}  // namespace

bool add_authority_extensions(X509* subject, X509* issuer, const AuthorityOptions& options,
                              bool root) {
  return add_constant(subject, issuer, NID_basic_constraints,
                      root ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0") &&
         add_constant(subject, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
         add_constant(subject, issuer, NID_subject_key_identifier, "hash") &&
         add_constant(subject, issuer, NID_authority_key_identifier, "keyid") &&
         add_name_constraints(subject, options);
}

bool add_leaf_extensions(X509* subject, X509* issuer, const CertificateSpec& spec) {
  const auto& flaws = spec.unsafe_flaws;
  const char* usage = flaws.ca_true                ? "critical,digitalSignature,keyCertSign"
                      : flaws.no_digital_signature ? "critical,keyAgreement"
                                                   : "critical,digitalSignature";
  return add_constant(subject, issuer, NID_basic_constraints,
                      flaws.ca_true ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
         add_constant(subject, issuer, NID_key_usage, usage) &&
         add_constant(subject, issuer, NID_subject_key_identifier, "hash") &&
         add_constant(subject, issuer, NID_authority_key_identifier, "keyid") &&
         add_purposes(subject, issuer, spec) &&
         (flaws.no_subject_alt_name || add_alternative_names(subject, spec));
}

}  // namespace countersign::crypto
