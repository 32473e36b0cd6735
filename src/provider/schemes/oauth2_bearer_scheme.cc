#include "provider/schemes/oauth2_bearer_scheme.h"

namespace countersign::provider {

namespace {

class OAuth2BearerScheme final : public TokenScheme {
  bool is_mine(const protocol::Confirmation& confirmation) const override {
    return confirmation.empty();
  }
};

}  // namespace

const Scheme& oauth2_bearer_scheme() {
  static const OAuth2BearerScheme scheme;
  return scheme;
}

}  // namespace countersign::provider
