#include "payment-api/payment.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "core/json.h"

namespace countersign::payment_api {
namespace {

std::string order_with(std::string_view member, std::string_view json_value) {
  Json order = Json::parse(R"({"amount": 129900, "currency": "EUR",
    "debtor": {"name": "Hanse Logistik GmbH", "iban": "DE89370400440532013000"},
    "creditor": {"name": "Waterweg Supplies B.V.", "iban": "NL91ABNA0417164300"}, "reference": "Invoice 1"})");
  if (json_value.empty()) {
    order.erase(std::string(member));
  } else {
    order[std::string(member)] = Json::parse(json_value);
  }
  return order.dump();
}

TEST(Iban, ChecksCountryLengthAndDigits) {
  EXPECT_TRUE(is_valid_iban("GB82WEST12345698765432"));
  EXPECT_TRUE(is_valid_iban("DE89370400440532013000"));
  EXPECT_FALSE(is_valid_iban("DE88370400440532013000"));    // check digits
  EXPECT_FALSE(is_valid_iban("DE89370400440532031000"));    // two digits swapped
  EXPECT_FALSE(is_valid_iban("DE8937040044053201300"));     // too short
  EXPECT_FALSE(is_valid_iban("XX89370400440532013000"));    // no such country
  EXPECT_FALSE(is_valid_iban("de89370400440532013000"));    // small letters
  EXPECT_FALSE(is_valid_iban("DE89 3704 0044 0532 0130"));  // spaces
  EXPECT_FALSE(is_valid_iban(""));
}

TEST(PaymentOrder, TakesACompleteOne) {
  const auto order = parse_payment_order(order_with("amount", "129900"));
  ASSERT_TRUE(order) << order.error().for_log();
  EXPECT_EQ(order->amount, 129900);
  EXPECT_EQ(order->debtor.iban, "DE89370400440532013000");
  EXPECT_EQ(order->reference, "Invoice 1");
}

TEST(PaymentOrder, RefusesEachMemberThatIsAbsentOrOfAnotherType) {
  for (const std::string_view member : {"amount", "currency", "debtor", "creditor", "reference"}) {
    for (const std::string_view value : {"", "null", "[]", "true", "{\"x\": 1}"}) {
      const auto order = parse_payment_order(order_with(member, value));
      ASSERT_FALSE(order) << member << " = " << value;
      EXPECT_EQ(order.error().kind, ErrorKind::invalid_input);
    }
  }
}

TEST(PaymentOrder, RefusesValuesBeyondTheirBoundaries) {
  for (const std::string_view amount :
       {"0", "-1", "1000000000000", "1.5", "\"100\"", "99999999999999999999"}) {
    EXPECT_FALSE(parse_payment_order(order_with("amount", amount))) << amount;
  }
  EXPECT_TRUE(parse_payment_order(order_with("amount", "1")));
  EXPECT_TRUE(parse_payment_order(order_with("amount", "999999999999")));
  for (const std::string_view currency : {"\"eur\"", "\"EURO\"", "\"\"", "\"E1R\""}) {
    EXPECT_FALSE(parse_payment_order(order_with("currency", currency))) << currency;
  }
  EXPECT_TRUE(parse_payment_order(order_with("reference", "\"" + std::string(140, 'r') + "\"")));
  EXPECT_FALSE(parse_payment_order(order_with("reference", "\"" + std::string(141, 'r') + "\"")));
  EXPECT_FALSE(parse_payment_order(order_with("reference", R"("two\nlines")")));
}

TEST(PaymentOrder, RefusesUnknownAndDuplicateMembersAndOtherDocuments) {
  EXPECT_FALSE(parse_payment_order(order_with("amuont", "5")));
  EXPECT_FALSE(parse_payment_order(R"({"amount": 1, "amount": 2})"));
  EXPECT_FALSE(parse_payment_order("[]"));
  EXPECT_FALSE(parse_payment_order(""));
  EXPECT_FALSE(parse_payment_order("{"));
}

TEST(RefundOrder, ReasonIsOptionalAndAmountIsNot) {
  EXPECT_TRUE(parse_refund_order(R"({"amount": 5})"));
  EXPECT_TRUE(parse_refund_order(R"({"amount": 5, "reason": "damaged"})"));
  EXPECT_FALSE(parse_refund_order(R"({"reason": "damaged"})"));
  EXPECT_FALSE(parse_refund_order(R"({"amount": 0})"));
  EXPECT_FALSE(parse_refund_order(R"({"amount": 5, "note": "x"})"));
}

TEST(PaymentExamples, AreAllPaymentsThatTheApiTakes) {
  int count = 0;
  const std::filesystem::path folder = COUNTERSIGN_SOURCE_DIR "/examples/payments";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto order = parse_payment_order(text);
    EXPECT_TRUE(order) << entry.path() << ": " << (order ? "" : order.error().for_log());
    ++count;
  }
  EXPECT_GE(count, 3);
}

}  // namespace
}  // namespace countersign::payment_api
