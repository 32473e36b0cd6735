// IssuerEndpoint: where token requests go, by configuration or by the issuer's metadata.
//
// Fails closed: a credential goes to the issuer's own origin, or to an origin that the
// configuration lists, each reached by a client that verifies that origin's name. What the metadata
// names beyond that is refused, however it came there.
//
// Metadata is kept for an hour, then asked for again; while that fails the known one is used for up
// to a day. After a token request that failed it is asked for again too, at most once a minute.
//
// RFC 8414 §3 (metadata; the OpenID Connect location of §5 where the issuer knows only that),
// RFC 8705 §5 (mtls_endpoint_aliases). Not for one thread beside another: a slot's home uses it.

#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "consumer/token_source.h"
#include "core/clock.h"
#include "core/task.h"
#include "http/client.h"
#include "protocol/metadata.h"

namespace countersign::consumer {

class IssuerEndpoint final {
 public:
  struct Options {
    std::string issuer = {};
    std::string token_path = {};  // not empty: at the issuer's origin, and no metadata is asked for
    std::vector<IssuerOrigin> other_origins = {};
    // RFC 8705 §5: the client authenticates, or the token is bound, by a certificate.
    bool mutual_tls = false;
    // What the metadata must offer, if it has such a list at all.
    std::string auth_method = {};
    std::string signing_algorithm = {};  // empty: nothing is signed
    size_t response_bytes_max = 64 * 1024;
    std::chrono::seconds fresh_for{3600};
    std::chrono::seconds kept_for{24 * 3600};
    std::chrono::seconds doubt_interval{60};
  };
  struct Place {
    http::Client* client = nullptr;
    std::string target = {};
  };

  // `issuer_client` reaches the issuer; it, the others and `clock` outlive this.
  IssuerEndpoint(http::Client& issuer_client, const Clock& clock, Options options);

  // Permanent failures, which a human has to mend: `metadata.wrong_issuer`,
  // `consumer.token_endpoint_elsewhere`, `consumer.auth_method_not_offered`,
  // `consumer.signing_algorithm_not_offered`. Transient ones: `consumer.no_metadata`, the other
  // codes of parse_metadata() and those of the client.
  Task<std::expected<Place, TokenFailure>> find(BootTime deadline);

  // A token request failed in a way that a moved endpoint would explain.
  void doubt();

 private:
  struct Known {
    Place place;
    BootTime asked{};
  };
  Task<std::expected<Place, TokenFailure>> discover(BootTime deadline);
  std::expected<Place, TokenFailure> read_metadata(const std::string& body) const;
  std::expected<Place, TokenFailure> place_of(const std::string& endpoint) const;
  std::expected<void, TokenFailure> check_offer(const protocol::ServerMetadata& metadata) const;

  http::Client& client_;
  const Clock& clock_;
  Options options_;
  std::optional<Known> known_;
  BootTime ask_again_ = BootTime::min();  // when known_ is to be asked for again
};

// RFC 6749 §5.1, RFC 8414 §3.2: application/json. A page of a proxy in between is not an issuer's
// answer, whatever it says.
bool is_json_answer(const http::SimpleResponse& answer);

}  // namespace countersign::consumer
