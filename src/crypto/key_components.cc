// Public keys from and to the numbers that a JWK writes.

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "crypto/key_state.h"

namespace countersign::crypto {
namespace {

using ParamBuilderPtr = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;

constexpr size_t p256_coordinate_bytes = 32;
constexpr size_t ed25519_bytes = 32;
constexpr size_t exponent_bytes_max = 5;

std::unexpected<Error> bad_key(std::string_view detail) {
  return fail(ErrorKind::invalid_input, "crypto.bad_key", "the key's numbers are not a key",
              detail);
}

Bytes big_endian(const BIGNUM* number) {
  Bytes bytes(static_cast<size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, bytes.data());
  return bytes;
}

Bytes integer_of(const EVP_PKEY* pkey, const char* name) {
  BIGNUM* number = nullptr;
  require(EVP_PKEY_get_bn_param(pkey, name, &number) == 1, "a checked key lacks a number");
  const BignumPtr owned(number);
  return big_endian(number);
}

// A key of the named type from the builder's parameters; null if OpenSSL refuses them.
std::shared_ptr<EVP_PKEY> build(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr parameters(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* pkey = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &pkey, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    EVP_PKEY_free(pkey);
    return nullptr;
  }
  return {pkey, EVP_PKEY_free};
}

std::shared_ptr<EVP_PKEY> build_p256(const PublicKeyComponents& parts) {
  if (parts.x.size() != p256_coordinate_bytes || parts.y.size() != p256_coordinate_bytes) return {};
  Bytes point = {POINT_CONVERSION_UNCOMPRESSED};
  point.insert(point.end(), parts.x.begin(), parts.x.end());
  point.insert(point.end(), parts.y.begin(), parts.y.end());
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return {};
  }
  return build("EC", builder.get());
}

std::shared_ptr<EVP_PKEY> build_rsa(const PublicKeyComponents& parts) {
  // The size is checked before OpenSSL sees the numbers: it must not compute with what is too
  // large.
  if (parts.modulus.empty() || parts.modulus.size() > size_t{rsa_bits_max} / 8 ||
      parts.exponent.empty() || parts.exponent.size() > exponent_bytes_max) {
    return {};
  }
  const BignumPtr n(
      BN_bin2bn(parts.modulus.data(), static_cast<int>(parts.modulus.size()), nullptr));
  const BignumPtr e(
      BN_bin2bn(parts.exponent.data(), static_cast<int>(parts.exponent.size()), nullptr));
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return {};
  }
  return build("RSA", builder.get());
}

std::shared_ptr<EVP_PKEY> build_ed25519(const PublicKeyComponents& parts) {
  if (parts.x.size() != ed25519_bytes) return {};
  EVP_PKEY* pkey =
      EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, parts.x.data(), parts.x.size());
  return {pkey, EVP_PKEY_free};
}

std::shared_ptr<EVP_PKEY> build(const PublicKeyComponents& parts) {
  switch (parts.kind) {
    case KeyKind::ec_p256:
      return build_p256(parts);
    case KeyKind::rsa:
      return build_rsa(parts);
    case KeyKind::ed25519:
      return build_ed25519(parts);
  }
  panic("a KeyKind without a way to build it");
}

}  // namespace

Result<PublicKey> PublicKey::from_components(const PublicKeyComponents& components) {
  const ErrorQueueCleaner cleaner;
  std::shared_ptr<EVP_PKEY> pkey = build(components);
  if (pkey == nullptr) return bad_key(openssl_failure());
  return adopt(std::move(pkey));
}

PublicKeyComponents PublicKey::components() const {
  PublicKeyComponents parts;
  parts.kind = kind();
  const EVP_PKEY* pkey = state_->pkey.get();
  if (parts.kind == KeyKind::rsa) {
    parts.modulus = integer_of(pkey, OSSL_PKEY_PARAM_RSA_N);
    parts.exponent = integer_of(pkey, OSSL_PKEY_PARAM_RSA_E);
  } else if (parts.kind == KeyKind::ec_p256) {
    for (const auto& [name, out] : {std::pair(OSSL_PKEY_PARAM_EC_PUB_X, &parts.x),
                                    std::pair(OSSL_PKEY_PARAM_EC_PUB_Y, &parts.y)}) {
      const Bytes number = integer_of(pkey, name);
      out->assign(p256_coordinate_bytes - number.size(), 0);  // RFC 7518 §6.2.1.2: full length
      out->insert(out->end(), number.begin(), number.end());
    }
  } else {
    parts.x.resize(ed25519_bytes);
    size_t size = parts.x.size();
    require(EVP_PKEY_get_raw_public_key(pkey, parts.x.data(), &size) == 1 && size == ed25519_bytes,
            "a checked Ed25519 key has no public octets");
  }
  return parts;
}

}  // namespace countersign::crypto
