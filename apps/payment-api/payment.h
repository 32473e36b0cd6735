// Payments and refunds as this API knows them, read from JSON strictly and written back. Pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/result.h"

namespace countersign::payment_api {

struct Party {
  std::string name;  // 1..70 characters (SEPA)
  std::string iban;  // ISO 13616, upper case, without spaces
};

struct PaymentOrder {
  int64_t amount = 0;    // in minor units of the currency: 1..999'999'999'999
  std::string currency;  // ISO 4217, three capitals
  Party debtor;
  Party creditor;
  std::string reference;  // 1..140 characters (SEPA remittance information)
};

struct Payment {
  std::string id;      // "pay_…"
  std::string client;  // whose payment it is: the gateway's Countersign-Client
  PaymentOrder order;
  int64_t refunded = 0;  // minor units, never more than order.amount
  WallTime created{};
};

struct RefundOrder {
  int64_t amount = 0;
  std::string reason;  // at most 140 characters, may be empty
};

// Errors are `payment.…` with a public text that names the member. Unknown members are refused: a
// misspelt optional member must not be ignored with money.
Result<PaymentOrder> parse_payment_order(std::string_view json);
Result<RefundOrder> parse_refund_order(std::string_view json);

// ISO 13616: known country with its length, check digits by ISO 7064 MOD 97-10.
bool is_valid_iban(std::string_view iban);

std::string payment_json(const Payment& payment);
std::string refund_json(std::string_view refund_id, const Payment& payment,
                        const RefundOrder& refund, WallTime created);
std::string payments_page_json(const std::vector<Payment>& page, std::string_view next_cursor);

}  // namespace countersign::payment_api
