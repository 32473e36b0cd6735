#include "payment-api/payment_store.h"

#include <array>
#include <charconv>
#include <optional>

#include "crypto/digest.h"
#include "store/migrations.h"

namespace countersign::payment_api {
namespace {

constexpr std::array<store::Migration, 1> migrations = {{{1, "payments", R"sql(
CREATE TABLE payments (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  client TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  debtor_name TEXT NOT NULL,
  debtor_iban TEXT NOT NULL,
  creditor_name TEXT NOT NULL,
  creditor_iban TEXT NOT NULL,
  reference TEXT NOT NULL,
  refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX payments_by_client ON payments (client, seq);
CREATE TABLE refunds (
  id TEXT PRIMARY KEY,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  amount INTEGER NOT NULL CHECK (amount > 0),
  reason TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE TABLE answers (
  client TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  operation TEXT NOT NULL,
  body_digest BLOB NOT NULL,
  created_id TEXT NOT NULL,
  answer TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (client, idempotency_key)
) STRICT, WITHOUT ROWID;
)sql"}}};

constexpr std::string_view payment_columns =
    "seq, id, client, amount, currency, debtor_name, debtor_iban, creditor_name, creditor_iban, "
    "reference, "
    "refunded, created";

struct PaymentRow {
  int64_t seq;
  Payment payment;
};

Result<PaymentRow> read_row(store::Statement& row) {
  PaymentRow result;
  result.seq = row.integer(0);
  Payment& payment = result.payment;
  payment.id = row.text(1);
  payment.client = row.text(2);
  payment.order = {.amount = row.integer(3),
                   .currency = row.text(4),
                   .debtor = {row.text(5), row.text(6)},
                   .creditor = {row.text(7), row.text(8)},
                   .reference = row.text(9)};
  payment.refunded = row.integer(10);
  payment.created = row.time(11);
  CS_CHECK(row.check_row());
  return result;
}

}  // namespace

PaymentStore::PaymentStore(std::unique_ptr<store::Database> database, const Clock& clock,
                           Entropy& entropy)
    : database_(std::move(database)), clock_(clock), entropy_(entropy) {}

Result<std::unique_ptr<PaymentStore>> PaymentStore::open(const std::string& path,
                                                         const Clock& clock, Entropy& entropy) {
  CS_TRY(auto database, store::Database::open(path));
  CS_CHECK(store::migrate(*database, migrations));
  return std::unique_ptr<PaymentStore>(new PaymentStore(std::move(database), clock, entropy));
}

std::string PaymentStore::new_id(std::string_view prefix) {
  return std::string(prefix) + encode_hex(entropy_.bytes(12));
}

Result<std::optional<StoredAnswer>> PaymentStore::find_answer(const WriteRequest& request,
                                                              std::string_view operation) {
  if (request.idempotency_key.empty()) return std::nullopt;
  CS_TRY(auto row,
         database_->prepare("SELECT operation, body_digest, created_id, answer FROM answers "
                            "WHERE client = ?1 AND idempotency_key = ?2"));
  CS_TRY(const bool found,
         row.bind_all(std::string_view(request.client), std::string_view(request.idempotency_key))
             .step());
  if (!found) return std::nullopt;
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(request.body));
  const bool same = row.text(0) == operation && equal_in_constant_time(row.blob(1), digest);
  StoredAnswer answer{.id = row.text(2), .body = row.text(3), .replayed = true};
  CS_CHECK(row.check_row());
  if (!same) {
    return fail(
        ErrorKind::conflict, "payment.key_reused",
        "this Idempotency-Key was used for another request; use a new key for a new payment");
  }
  return answer;
}

Result<void> PaymentStore::keep_answer(const WriteRequest& request, std::string_view operation,
                                       const StoredAnswer& answer) {
  if (request.idempotency_key.empty()) return {};
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(request.body));
  return database_->run("INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                        std::string_view(request.client), std::string_view(request.idempotency_key),
                        operation, ByteView(digest), std::string_view(answer.id),
                        std::string_view(answer.body), clock_.wall_now());
}

Result<StoredAnswer> PaymentStore::create(const WriteRequest& request, const PaymentOrder& order) {
  CS_TRY(store::Transaction transaction, store::Transaction::begin(*database_));
  CS_TRY(std::optional<StoredAnswer> known, find_answer(request, "payment"));
  if (known) return *std::move(known);
  Payment payment;
  payment.id = new_id("pay_");
  payment.client = request.client;
  payment.order = order;
  payment.created = clock_.wall_now();
  StoredAnswer answer{.id = payment.id, .body = payment_json(payment)};
  CS_CHECK(database_->run(
      "INSERT INTO payments (id, client, amount, currency, debtor_name, debtor_iban, "
      "creditor_name, creditor_iban, "
      "reference, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
      std::string_view(payment.id), std::string_view(payment.client), order.amount,
      std::string_view(order.currency), std::string_view(order.debtor.name),
      std::string_view(order.debtor.iban), std::string_view(order.creditor.name),
      std::string_view(order.creditor.iban), std::string_view(order.reference), payment.created));
  CS_CHECK(keep_answer(request, "payment", answer));
  CS_CHECK(transaction.commit());
  return answer;
}

Result<StoredAnswer> PaymentStore::refund(const WriteRequest& request, std::string_view payment_id,
                                          const RefundOrder& refund) {
  const std::string operation = "refund " + std::string(payment_id);
  CS_TRY(store::Transaction transaction, store::Transaction::begin(*database_));
  CS_TRY(std::optional<StoredAnswer> known, find_answer(request, operation));
  if (known) return *std::move(known);
  CS_TRY(Payment payment, find(request.client, payment_id));
  const int64_t refundable = payment.order.amount - payment.refunded;
  if (refund.amount > refundable) {
    return fail(ErrorKind::conflict, "payment.refund_too_large",
                "only " + std::to_string(refundable) +
                    " minor units of this payment can still be refunded");
  }
  payment.refunded += refund.amount;
  const WallTime now = clock_.wall_now();
  const std::string id = new_id("ref_");
  StoredAnswer answer{.id = id, .body = refund_json(id, payment, refund, now)};
  CS_CHECK(database_->run("UPDATE payments SET refunded = ?1 WHERE id = ?2", payment.refunded,
                          payment_id));
  CS_CHECK(database_->run("INSERT INTO refunds VALUES (?1, ?2, ?3, ?4, ?5)", std::string_view(id),
                          payment_id, refund.amount, std::string_view(refund.reason), now));
  CS_CHECK(keep_answer(request, operation, answer));
  CS_CHECK(transaction.commit());
  return answer;
}

Result<Payment> PaymentStore::find(std::string_view client, std::string_view id) {
  CS_TRY(auto row, database_->prepare("SELECT " + std::string(payment_columns) +
                                      " FROM payments WHERE id = ?1 AND client = ?2"));
  CS_TRY(const bool found, row.bind_all(id, client).step());
  if (!found) return fail(ErrorKind::not_found, "payment.not_found", "there is no such payment");
  CS_TRY(PaymentRow result, read_row(row));
  return std::move(result.payment);
}

Result<PaymentPage> PaymentStore::list(std::string_view client, size_t limit,
                                       std::string_view cursor) {
  int64_t before = INT64_MAX;
  if (!cursor.empty()) {
    const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), before);
    if (error != std::errc() || end != cursor.data() + cursor.size() || before < 1) {
      return fail(ErrorKind::invalid_input, "payment.bad_cursor",
                  "cursor: use the next_cursor of a former page");
    }
  }
  CS_TRY(auto row, database_->prepare(
                       "SELECT " + std::string(payment_columns) +
                       " FROM payments WHERE client = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"));
  row.bind_all(client, before, static_cast<int64_t>(limit) + 1);
  PaymentPage page;
  int64_t last_seq = 0;
  for (;;) {
    CS_TRY(const bool more, row.step());
    if (!more) return page;
    if (page.payments.size() == limit) {
      page.next_cursor = std::to_string(last_seq);
      return page;
    }
    CS_TRY(PaymentRow next, read_row(row));
    last_seq = next.seq;
    page.payments.push_back(std::move(next.payment));
  }
}

}  // namespace countersign::payment_api
