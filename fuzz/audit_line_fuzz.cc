// Whatever a client sends, a line of the audit log is one line, is JSON, says what it was given and
// cannot pretend to be another; and what reads the log back takes any text.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/json.h"
#include "provider/audit/audit_chain.h"
#include "provider/audit/audit_explain.h"
#include "provider/audit/audit_query.h"
#include "provider/audit/audit_record.h"
#include "provider/audit/watch_rules.h"

namespace {

using namespace countersign;
using namespace countersign::provider;

void check_line_of(std::string_view input) {
  const std::string_view half = input.substr(0, input.size() / 2);
  const AuditRecord record{.outcome = AuditOutcome::deny,
                           .decision_id = "D",
                           .reason = half,
                           .client = input,
                           .method = half,
                           .path = input,
                           .actor = half,
                           .detail = input};
  AuditLineWriter writer(half);
  std::string line;
  writer.append(line, record, WallTime{});
  if (line.find('\n') != line.size() - 1) panic("a record made more than one line");
  for (const char c : line.substr(0, line.size() - 1)) {
    if (static_cast<unsigned char>(c) < 0x20) panic("a control character got through");
  }
  const auto entry = parse_audit_entry(std::string_view(line).substr(0, line.size() - 1));
  if (!entry) panic("a line is not JSON");
  if (entry->event != "request" || entry->outcome != "deny" || entry->decision != "D") {
    panic("a record pretends to be another");
  }
  if (entry->client != entry->path || entry->client != entry->detail) panic("a text changed");
  if (is_checkpoint(line)) panic("a record pretends to be a checkpoint");

  std::string chained;
  ChainWriter chain;
  chain.append(chained, line);
  const auto parsed = parse_chained_line(std::string_view(chained).substr(0, chained.size() - 1));
  if (!parsed || parsed->point != chain.head() || parsed->point.number != 1) {
    panic("a line lost its place in the chain");
  }
  if (chain_hash({}, parsed->content) != chain.head().hash) panic("the hash is of something else");
  explain(*entry);
  if (belongs_to(*entry, entry->client)) panic("a client was taken for proven");
  if (!parse_json(consumer_side(*entry), {.bytes_max = SIZE_MAX}))
    panic("no JSON for the consumer");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_line_of(input);
  parse_chained_line(input);
  (void)parse_audit_time(input);
  if (const auto checkpoint = parse_checkpoint(input)) {
    static const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::eddsa).value();
    if (verify_checkpoint(*checkpoint, key.public_key())) panic("a signature out of nowhere");
  }
  if (const auto entry = parse_audit_entry(input)) {
    explain(*entry);
    if (!parse_json(consumer_side(*entry), {.bytes_max = SIZE_MAX})) panic("no JSON again");
  }
  WatchRules rules{{}};
  if (rules.read(input)) {
    WatchRules again{{}};
    if (!again.read(rules.write()) || again.credentials() != rules.credentials()) {
      panic("what was learnt cannot be kept");
    }
  }
  return 0;
}
