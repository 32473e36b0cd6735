#include "provider/issuer/jwks_endpoint.h"

namespace countersign::provider {

StaticDocument make_jwks_document(const jose::JwkSet& keys) {
  // RFC 7517 §8.5.2
  return {"application/jwk-set+json", keys.to_json()};
}

}  // namespace countersign::provider
