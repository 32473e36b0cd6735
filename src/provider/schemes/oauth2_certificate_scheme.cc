#include "provider/schemes/oauth2_certificate_scheme.h"

namespace countersign::provider {

namespace {

class OAuth2CertificateScheme final : public TokenScheme {
  bool is_mine(const protocol::Confirmation& confirmation) const override {
    return confirmation.certificate.has_value();
  }
};

}  // namespace

const Scheme& oauth2_certificate_scheme() {
  static const OAuth2CertificateScheme scheme;
  return scheme;
}

}  // namespace countersign::provider
