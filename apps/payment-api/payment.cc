#include "payment-api/payment.h"

#include <array>
#include <ctime>
#include <initializer_list>

#include "core/ascii.h"
#include "core/json.h"

namespace countersign::payment_api {
namespace {

constexpr int64_t amount_max = 999'999'999'999;

struct Country {
  std::string_view code;
  size_t iban_length;
};
// SWIFT's IBAN registry, the countries of SEPA.
constexpr std::array<Country, 38> countries = {{
    {"AD", 24}, {"AT", 20}, {"BE", 16}, {"BG", 22}, {"CH", 21}, {"CY", 28}, {"CZ", 24}, {"DE", 22},
    {"DK", 18}, {"EE", 20}, {"ES", 24}, {"FI", 18}, {"FR", 27}, {"GB", 22}, {"GI", 23}, {"GR", 27},
    {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IS", 26}, {"IT", 27}, {"LI", 21}, {"LT", 20}, {"LU", 20},
    {"LV", 21}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MT", 31}, {"NL", 18}, {"NO", 15},
    {"PL", 28}, {"PT", 25}, {"RO", 24}, {"SE", 24}, {"SI", 19}, {"SK", 24},
}};

std::unexpected<Error> refused(std::string_view member, std::string_view what) {
  return fail(ErrorKind::invalid_input, "payment.invalid_member",
              std::string(member) + ": " + std::string(what));
}

Result<void> check_members(const Json& object, std::string_view where,
                           std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return refused(where, "must be a JSON object");
  for (const auto& [name, value] : object.items()) {
    bool found = false;
    for (const std::string_view candidate : known) found = found || candidate == name;
    if (!found) return refused(name, "is not a member of " + std::string(where));
  }
  return {};
}

Result<std::string> text_member(const Json& object, std::string_view name, size_t bytes_min,
                                size_t bytes_max) {
  const auto text = string_member(object, name);
  if (!text) return refused(name, "must be a string");
  if (text->size() < bytes_min || text->size() > bytes_max) {
    return refused(name, "must have " + std::to_string(bytes_min) + " to " +
                             std::to_string(bytes_max) + " bytes");
  }
  for (const char c : *text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return refused(name, "must not hold control characters");
  }
  return *text;
}

Result<int64_t> amount_member(const Json& object) {
  const auto amount = integer_member(object, "amount");
  if (!amount || *amount < 1 || *amount > amount_max) {
    return refused("amount", "must be an integer number of minor units from 1 to 999999999999");
  }
  return *amount;
}

Result<Party> party_member(const Json& object, std::string_view name) {
  if (!has_member(object, name)) return refused(name, "is missing");
  const Json& party = *object.find(name);
  CS_CHECK(check_members(party, name, {"name", "iban"}));
  Party result;
  CS_TRY(result.name, text_member(party, "name", 1, 70));
  CS_TRY(result.iban, text_member(party, "iban", 15, 34));
  if (!is_valid_iban(result.iban)) {
    return refused(std::string(name) + ".iban", "is not an IBAN (country, length or check digits)");
  }
  return result;
}

std::string time_text(WallTime time) {
  const std::time_t seconds = to_unix_seconds(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

Json party_json(const Party& party) {
  return {{"name", party.name}, {"iban", party.iban}};
}

Json to_json(const Payment& payment) {
  return {{"id", payment.id},
          {"status", payment.refunded == payment.order.amount ? "refunded" : "accepted"},
          {"amount", payment.order.amount},
          {"currency", payment.order.currency},
          {"debtor", party_json(payment.order.debtor)},
          {"creditor", party_json(payment.order.creditor)},
          {"reference", payment.order.reference},
          {"refunded", payment.refunded},
          {"created", time_text(payment.created)}};
}

}  // namespace

bool is_valid_iban(std::string_view iban) {
  bool known = false;
  for (const Country& country : countries) {
    known = known || (iban.substr(0, 2) == country.code && iban.size() == country.iban_length);
  }
  if (!known) return false;
  int remainder = 0;
  for (size_t i = 0; i < iban.size(); ++i) {
    const char c = iban[(i + 4) % iban.size()];
    if (ascii::is_digit(c)) {
      remainder = (remainder * 10 + (c - '0')) % 97;
    } else if (ascii::is_upper(c)) {
      remainder = (remainder * 100 + (c - 'A' + 10)) % 97;
    } else {
      return false;
    }
  }
  return remainder == 1;
}

Result<PaymentOrder> parse_payment_order(std::string_view json) {
  CS_TRY(const Json body, parse_json(json, {.bytes_max = 16 * 1024, .depth_max = 4}));
  CS_CHECK(
      check_members(body, "a payment", {"amount", "currency", "debtor", "creditor", "reference"}));
  PaymentOrder order;
  CS_TRY(order.amount, amount_member(body));
  CS_TRY(order.currency, text_member(body, "currency", 3, 3));
  for (const char c : order.currency) {
    if (!ascii::is_upper(c))
      return refused("currency", "must be three capitals (ISO 4217), such as EUR");
  }
  CS_TRY(order.debtor, party_member(body, "debtor"));
  CS_TRY(order.creditor, party_member(body, "creditor"));
  CS_TRY(order.reference, text_member(body, "reference", 1, 140));
  return order;
}

Result<RefundOrder> parse_refund_order(std::string_view json) {
  CS_TRY(const Json body, parse_json(json, {.bytes_max = 4 * 1024, .depth_max = 2}));
  CS_CHECK(check_members(body, "a refund", {"amount", "reason"}));
  RefundOrder refund;
  CS_TRY(refund.amount, amount_member(body));
  if (has_member(body, "reason")) {
    CS_TRY(refund.reason, text_member(body, "reason", 0, 140));
  }
  return refund;
}

std::string payment_json(const Payment& payment) {
  return to_text(to_json(payment));
}

std::string refund_json(std::string_view refund_id, const Payment& payment,
                        const RefundOrder& refund, WallTime created) {
  return to_text({{"id", std::string(refund_id)},
                  {"payment", payment.id},
                  {"amount", refund.amount},
                  {"currency", payment.order.currency},
                  {"reason", refund.reason},
                  {"refunded", payment.refunded},
                  {"created", time_text(created)}});
}

std::string payments_page_json(const std::vector<Payment>& page, std::string_view next_cursor) {
  Json items = Json::array();
  for (const Payment& payment : page) items.push_back(to_json(payment));
  Json document = {{"payments", items}};
  document["next_cursor"] = next_cursor.empty() ? Json(nullptr) : Json(std::string(next_cursor));
  return to_text(document);
}

}  // namespace countersign::payment_api
