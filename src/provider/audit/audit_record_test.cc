#include "provider/audit/audit_record.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "crypto/digest.h"

namespace countersign::provider {
namespace {

std::string line_of(const AuditRecord& record, WallTime time = from_unix_seconds(1'800'000'000)) {
  AuditLineWriter writer("n1");
  std::string out;
  writer.append(out, record, time);
  return out;
}

Json parsed(const std::string& line) {
  EXPECT_TRUE(line.ends_with('\n'));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  auto document = parse_json(line);
  EXPECT_TRUE(document) << line;
  return document ? *document : Json();
}

TEST(AuditLine, HasEveryMemberOfTheRecord) {
  const IpAddress remote = IpAddress::parse("192.0.2.7").value();
  const crypto::Sha256Digest thumbprint = crypto::sha256(as_bytes("certificate"));
  AuditRecord record;
  record.outcome = AuditOutcome::allow;
  record.decision_id = "D1";
  record.reason = "upstream_timeout";
  record.client = "shop";
  record.credential_id = "k1";
  record.scheme = "api_key";
  record.token_id = "t1";
  record.scopes = "a b";
  record.method = "POST";
  record.route = "/v1/payments/{id}";
  record.path = "/v1/payments/7";
  record.status = 201;
  record.remote = &remote;
  record.certificate_thumbprint = thumbprint;
  record.upstream = std::chrono::microseconds(1234);
  record.request_bytes = 512;
  record.response_bytes = 200;
  record.detail = "why";
  EXPECT_EQ(
      line_of(record, from_unix_seconds(1'800'000'000) + std::chrono::microseconds(42)),
      R"({"time":"2027-01-15T08:00:00.000042Z","node":"n1","event":"request","outcome":"allow",)"
      R"("decision":"D1","reason":"upstream_timeout","client":"shop","credential":"k1",)"
      R"("scheme":"api_key","token":"t1","scopes":"a b","method":"POST",)"
      R"("route":"/v1/payments/{id}","path":"/v1/payments/7","status":201,)"
      R"("remote":"192.0.2.7","certificate":")" +
          encode_base64url(thumbprint).substr(0, 16) +
          R"(","upstream_us":1234,"request_bytes":512,"response_bytes":200,"detail":"why"})"
          "\n");
}

TEST(AuditLine, LeavesOutWhatIsEmpty) {
  EXPECT_EQ(line_of({.event = AuditEvent::log_opened}),
            R"({"time":"2027-01-15T08:00:00.000000Z","node":"n1","event":"log_opened"})"
            "\n");
}

TEST(AuditLine, TimeFollowsTheClockInBothDirections) {
  AuditLineWriter writer("n1");
  for (const int64_t second : {0, 59, 60, 86'399, 86'400, 951'782'400, 59}) {
    std::string out;
    writer.append(out, {}, from_unix_seconds(second) + std::chrono::microseconds(999'999));
    const auto seconds = std::chrono::sys_seconds(std::chrono::seconds(second));
    const auto day = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date(day);
    const std::string year = std::to_string(static_cast<int>(date.year()));
    EXPECT_EQ(out.substr(9, 4), year);
    EXPECT_NE(out.find(".999999Z\""), std::string::npos);
  }
}

// reliability A2.69: log injection.
TEST(AuditLine, CannotBeSplitOrExtendedByWhatAClientSends) {
  AuditRecord record;
  record.method = "GET\"";
  record.path = "/x\r\n{\"event\":\"request\",\"outcome\":\"allow\"}";
  record.client = "a\"},{\"b\":\"c\\";
  record.detail = std::string_view("nul\0tab\tesc\x1b[31m bad\xff\xfe utf8 \xe2\x80\xa8", 32);
  const std::string line = line_of(record);
  const Json document = parsed(line);
  EXPECT_EQ(document["path"], "/x\r\n{\"event\":\"request\",\"outcome\":\"allow\"}");
  EXPECT_EQ(document["client"], "a\"},{\"b\":\"c\\");
  EXPECT_EQ(document["method"], "GET\"");
  for (const char c : line.substr(0, line.size() - 1)) {
    EXPECT_FALSE(c >= 0 && c < 0x20) << "a control character left as it is";
  }
}

TEST(AuditLine, WritesIpv6Addresses) {
  const IpAddress remote = IpAddress::parse("2001:db8::1").value();
  EXPECT_EQ(parsed(line_of({.remote = &remote}))["remote"], "2001:db8::1");
}

TEST(AuditLine, OmitsAThumbprintThatIsTooShort) {
  const Bytes few(11, 1);
  EXPECT_FALSE(has_member(parsed(line_of({.certificate_thumbprint = few})), "certificate"));
}

TEST(AuditLine, WritesAnUpstreamTimeOfZeroButNotAnUnknownOne) {
  EXPECT_EQ(parsed(line_of({.upstream = std::chrono::microseconds(0)}))["upstream_us"], 0);
  EXPECT_FALSE(has_member(parsed(line_of({})), "upstream_us"));
}

}  // namespace
}  // namespace countersign::provider
