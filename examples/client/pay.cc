// Posts one payment and says what became of it.
//
//   pay egress.toml API IDEMPOTENCY_KEY < payment.json
//
// Exit code: 0 paid, 1 refused or not sent, 3 not known, 2 for a wrong call or configuration.

#include <iostream>
#include <iterator>
#include <string>

#include <countersign/client.h>

namespace cs = countersign::client;

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: pay CONFIG API IDEMPOTENCY_KEY < payment.json\n";
    return 2;
  }
  const cs::Created made = cs::Client::from_config_file(argv[1], argv[2]);
  if (!made) {
    std::cerr << made.text() << '\n';
    return 2;
  }
  cs::Request payment{.method = "POST",
                      .target = "/v1/payments",
                      .fields = {{"Content-Type", "application/json"}},
                      .idempotency_key = argv[3]};
  payment.body.assign(std::istreambuf_iterator<char>(std::cin), {});
  const cs::Outcome outcome = made.client->call(std::move(payment));

  std::cout << cs::name_of(outcome.kind) << ' ' << outcome.status << ' ' << outcome.body << '\n';
  switch (outcome.kind) {
    case cs::OutcomeKind::answered:  // also 402 or 403: the provider has decided
      return outcome.ok() ? 0 : 1;
    case cs::OutcomeKind::not_sent:  // safe to send again, now or later
      std::cerr << outcome.reason << ": " << outcome.detail << '\n';
      return 1;
    case cs::OutcomeKind::unknown:  // look it up, or send it again with the same key
      std::cerr << outcome.reason << ": " << outcome.detail << '\n';
      return 3;
  }
  return 3;
}
