// A real provider, and clients of the library for it.

#pragma once

#include <countersign/client.h>

#include "e2e/whole_path.h"

namespace countersign::e2e {

namespace cs = countersign::client;

class LibraryTest : public WholePath {
 protected:
  void SetUp() override {
    start_provider();
    add_key_client();
    must(drill::write_private_file(folder / "api-key",
                                   issue_key({"--certificate", client.certificate.string()})));
    add_client({"--id", "shop-bound", "--auth", "tls_client_auth", "--san-dns",
                std::string(client_name), "--certificate-bound-tokens"});
    add_client({"--id", "shop-bearer", "--auth", "client_secret_basic"});
    client_secret = drill::json_text_member(last_answer, "client_secret");
  }

  cs::ClientOptions options() {
    cs::ClientOptions made;
    made.base_url = drill::provider_url;
    made.connect_to = provider->gateway().to_string();
    made.trust_anchors = {.file = pki.provider_ca()};
    made.identity = cs::Identity{.certificate_chain = {.file = client.certificate},
                                 .private_key = cs::Secret::in_file(client.private_key)};
    made.scheme = cs::ApiKey{.key = cs::Secret::in_file(folder / "api-key")};
    return made;
  }
  static cs::Client make(cs::ClientOptions wanted) {
    cs::Created made = cs::Client::create(std::move(wanted));
    if (!made) throw std::runtime_error(made.text());
    return *std::move(made.client);
  }
  static cs::Request payment_request(std::string key = {}) {
    return {.method = "POST",
            .target = "/v1/payments",
            .fields = {{"Content-Type", "application/json"}},
            .body = std::string(order),
            .idempotency_key = std::move(key)};
  }
};

}  // namespace countersign::e2e
