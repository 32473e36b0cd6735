// subjectAltName, for certificate.cc.

#include <algorithm>
#include <array>

#include "crypto/certificate_native.h"

namespace countersign::crypto {
namespace {

constexpr int names_max = 256;

std::unexpected<Error> bad_name() {
  return fail(ErrorKind::invalid_input, "crypto.bad_certificate",
              "the certificate holds an alternative name with characters that do not belong there");
}

std::string_view text_in(const ASN1_STRING* value) {
  const int size = ASN1_STRING_length(value);
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)), static_cast<size_t>(size)};
}

// IA5String narrowed to what can be printed: no control characters, no space, no octet above 0x7e.
Result<std::string> printable(const ASN1_STRING* value) {
  const std::string_view text = text_in(value);
  const bool good =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!good) return bad_name();
  return std::string(text);
}

Result<IpAddress> address_in(const ASN1_OCTET_STRING* value) {
  const std::string_view octets = text_in(value);
  std::array<uint8_t, 16> v6{};
  std::array<uint8_t, 4> v4{};
  if (octets.size() == v4.size()) {
    std::ranges::copy(as_bytes(octets), v4.begin());
    return IpAddress::v4(v4);
  }
  if (octets.size() != v6.size()) return bad_name();
  std::ranges::copy(as_bytes(octets), v6.begin());
  return IpAddress::v6(v6);
}

// otherName values are not used; one that hides text behind a NUL still marks a certificate that
// nobody should trust.
bool other_name_is_clean(const OTHERNAME* name) {
  const ASN1_TYPE* value = name->value;
  const bool is_text = value != nullptr &&
                       (value->type == V_ASN1_UTF8STRING || value->type == V_ASN1_IA5STRING ||
                        value->type == V_ASN1_PRINTABLESTRING || value->type == V_ASN1_T61STRING);
  return !is_text || text_in(value->value.asn1_string).find('\0') == std::string_view::npos;
}

Result<void> read_name(const GENERAL_NAME* name, SubjectAltNames& out) {
  if (name->type == GEN_DNS) {
    CS_TRY(std::string text, printable(name->d.dNSName));
    out.dns.push_back(std::move(text));
  } else if (name->type == GEN_URI) {
    CS_TRY(std::string text, printable(name->d.uniformResourceIdentifier));
    out.uris.push_back(std::move(text));
  } else if (name->type == GEN_EMAIL) {
    CS_TRY(std::string text, printable(name->d.rfc822Name));
    out.emails.push_back(std::move(text));
  } else if (name->type == GEN_IPADD) {
    CS_TRY(const IpAddress address, address_in(name->d.iPAddress));
    out.ips.push_back(address);
  } else if (name->type == GEN_OTHERNAME && !other_name_is_clean(name->d.otherName)) {
    return bad_name();
  }
  return {};
}

}  // namespace

Result<void> read_alternative_names(const X509* native, SubjectAltNames& out) {
  CS_TRY(const auto names,
         (read_extension<GENERAL_NAMES, GENERAL_NAMES_free>(native, NID_subject_alt_name)));
  out.present = names != nullptr;
  const int count = sk_GENERAL_NAME_num(names.get());
  if (count > names_max) {
    return fail(ErrorKind::too_large, "crypto.too_large",
                "the certificate holds too many alternative names");
  }
  for (int i = 0; i < count; ++i) CS_CHECK(read_name(sk_GENERAL_NAME_value(names.get(), i), out));
  return {};
}

}  // namespace countersign::crypto
