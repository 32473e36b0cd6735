#include "crypto/wildcard_constraints.h"

#include "core/ascii.h"
#include "crypto/certificate_native.h"

namespace countersign::crypto {
namespace {

// True if `name` is `subtree` or lies below it.
bool within(std::string_view name, std::string_view subtree) {
  if (subtree.starts_with('.')) subtree.remove_prefix(1);
  if (subtree.empty()) return true;  // the empty subtree is every name
  if (ascii::equal_ignoring_case(name, subtree)) return true;
  return name.size() > subtree.size() && name[name.size() - subtree.size() - 1] == '.' &&
         ascii::equal_ignoring_case(name.substr(name.size() - subtree.size()), subtree);
}

bool any_wildcard_reaches(const Certificate& leaf, std::string_view excluded) {
  for (const std::string& name : leaf.names.dns) {
    if (name.starts_with("*.") && wildcard_reaches(std::string_view(name).substr(2), excluded)) {
      return true;
    }
  }
  return false;
}

Result<void> check_against(const Certificate& leaf, const X509* issuer) {
  CS_TRY(const auto constraints,
         (read_extension<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>(issuer, NID_name_constraints)));
  if (constraints == nullptr) return {};
  for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees); ++i) {
    const GENERAL_NAME* base = sk_GENERAL_SUBTREE_value(constraints->excludedSubtrees, i)->base;
    if (base->type != GEN_DNS) continue;
    const ASN1_IA5STRING* text = base->d.dNSName;
    const std::string_view excluded(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                    static_cast<size_t>(ASN1_STRING_length(text)));
    if (any_wildcard_reaches(leaf, excluded)) {
      return fail(ErrorKind::unauthenticated, "crypto.peer_name_constraints",
                  "the certificate's wildcard reaches a name that its CA must not issue for");
    }
  }
  return {};
}

}  // namespace

bool wildcard_reaches(std::string_view base, std::string_view excluded) {
  if (within(base, excluded)) return true;  // every name below `base` is excluded
  if (excluded.starts_with('.')) excluded.remove_prefix(1);
  // One label in front of `base` is the excluded name itself.
  const size_t dot = excluded.find('.');
  return dot != std::string_view::npos &&
         ascii::equal_ignoring_case(excluded.substr(dot + 1), base);
}

Result<void> check_wildcards(const Certificate& leaf, const stack_st_X509* verified_chain) {
  for (int i = 1; i < sk_X509_num(verified_chain); ++i) {
    CS_CHECK(check_against(leaf, sk_X509_value(verified_chain, i)));
  }
  return {};
}

}  // namespace countersign::crypto
