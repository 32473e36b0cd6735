// Scheme api_key: a fixed key in a header field, "Authorization: ApiKey <key>" unless configured
// otherwise.
//
// The key is a secret that whoever holds it can use; what binds it to a certificate or a network is
// the provider's registration. Never expires on this side, so a refusal is always the caller's to
// see.

#include <array>
#include <utility>

#include "consumer/schemes/redact.h"
#include "consumer/schemes/scheme_rows.h"
#include "core/ascii.h"

namespace countersign::consumer {
namespace {

constexpr std::string_view default_field = "Authorization";
constexpr std::string_view default_prefix = "ApiKey ";
constexpr size_t key_bytes_max = 4096;  // a head of 16 KiB has to hold it beside everything else

class ApiKeyScheme final : public Scheme {
 public:
  ApiKeyScheme(std::string_view field_name, const Secret& field_value)
      : field_name_(field_name), field_value_(field_value) {}

  bool attach(const Instant&, Attached& out) override {
    out.field_name = field_name_;
    out.field_value = field_value_.unsafe_reveal_text();
    out.generation = 0;
    return true;
  }
  Task<std::expected<void, NotReady>> wait_ready(BootTime) override {
    co_return std::expected<void, NotReady>();
  }
  AfterRefusal refused(const http::ResponseHead&, uint64_t) override {
    return AfterRefusal::pass_on;
  }

 private:
  std::string_view field_name_;
  const Secret& field_value_;
};

class ApiKeyProcessScheme final : public ProcessScheme {
 public:
  ApiKeyProcessScheme(std::string field_name, std::string prefix, const Secret& key)
      : field_name_(std::move(field_name)), prefix_(std::move(prefix)) {
    Bytes value = to_bytes(prefix_);
    value.reserve(prefix_.size() + key.size());
    const ByteView bytes = key.unsafe_reveal();
    value.insert(value.end(), bytes.begin(), bytes.end());
    field_value_ = Secret::take(std::move(value));
  }

  std::unique_ptr<Scheme> for_loop(Executor&) override {
    return std::make_unique<ApiKeyScheme>(field_name_, field_value_);
  }
  std::string_view field_name() const override { return field_name_; }
  std::string redacted(std::string_view field_value) const override {
    if (!field_value.starts_with(prefix_)) return redacted_key(field_value);
    return prefix_ + redacted_key(field_value.substr(prefix_.size()));
  }

 private:
  std::string field_name_;
  std::string prefix_;
  Secret field_value_;
};

constexpr std::array<SettingSpec, 3> settings_table{{
    {.key = "key",
     .kind = SettingSpec::Kind::secret,
     .required = true,
     .help = "the API key, as the provider issued it"},
    {.key = "header", .help = "the field that carries it; default \"Authorization\""},
    {.key = "prefix",
     .help = "what stands before the key; default \"ApiKey \" in Authorization, nothing in another "
             "field"},
}};

std::unexpected<Error> bad_setting(std::string_view text) {
  return fail(ErrorKind::misconfigured, "consumer.bad_setting", text);
}

Result<std::unique_ptr<ProcessScheme>> make(const SchemeSettings& settings, const SchemeParts&) {
  const std::string field_name = settings.text_or("header", default_field);
  const bool in_authorization = ascii::equal_ignoring_case(field_name, default_field);
  const std::string prefix = settings.text_or("prefix", in_authorization ? default_prefix : "");
  const Secret key = settings.secret("key");
  if (!http::is_token(field_name)) return bad_setting("header: not the name of a header field");
  if (!prefix.empty() && !http::is_field_value(prefix))
    return bad_setting("prefix: not the text of a header field");
  const std::string_view text = key.unsafe_reveal_text();
  const bool plain =
      http::is_field_value(text) && text.find_first_of(" \t") == std::string_view::npos;
  if (text.empty() || text.size() > key_bytes_max || !plain) {
    return bad_setting("key: empty, too long, or with characters that a header field cannot carry");
  }
  return std::make_unique<ApiKeyProcessScheme>(field_name, prefix, key);
}

}  // namespace

const SchemeRow& api_key_row() {
  static constexpr SchemeRow row{.name = "api_key",
                                 .needs_issuer = false,
                                 .needs_certificate = false,
                                 .settings = settings_table,
                                 .make = make};
  return row;
}

}  // namespace countersign::consumer
