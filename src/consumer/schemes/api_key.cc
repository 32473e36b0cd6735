// Scheme api_key: a fixed key in a header field, "Authorization: ApiKey <key>" unless configured
// otherwise.
//
// The key is a secret that whoever holds it can use; what binds it to a certificate or a network is
// the provider's registration. It never expires on this side. There may be two: the current one is
// used until the provider refuses it with 401, the next one from then on, so that a provider can
// end the old key at a time of its choosing. Any other refusal is the caller's to see.

#include <array>
#include <atomic>
#include <utility>
#include <vector>

#include "consumer/schemes/redact.h"
#include "consumer/schemes/scheme_rows.h"
#include "core/ascii.h"

namespace countersign::consumer {
namespace {

constexpr std::string_view default_field = "Authorization";
constexpr std::string_view default_prefix = "ApiKey ";
constexpr size_t key_bytes_max = 4096;  // a head of 16 KiB has to hold it beside everything else

// The keys, as the field carries them, and which of them is in use. Shared by all loops.
struct ApiKeys {
  std::string field_name;
  std::vector<Secret> field_values;  // one or two: current, next
  std::atomic<size_t> in_use = 0;
};

class ApiKeyScheme final : public Scheme {
 public:
  explicit ApiKeyScheme(ApiKeys& keys) : keys_(keys) {}

  bool attach(const Instant&, Attached& out) override {
    const size_t which = keys_.in_use.load(std::memory_order_relaxed);
    out.field_name = keys_.field_name;
    out.field_value = keys_.field_values[which].unsafe_reveal_text();
    out.generation = which + 1;
    return true;
  }
  Task<std::expected<void, NotReady>> wait_ready(BootTime) override {
    co_return std::expected<void, NotReady>();
  }
  AfterRefusal refused(const http::ResponseHead& answer, uint64_t generation) override {
    if (answer.status != 401 || generation == 0 || generation >= keys_.field_values.size())
      return AfterRefusal::pass_on;
    // `generation` counts from 1, so it is the index of the key behind the refused one. Whoever
    // hears of the refusal first moves on; the others find that done.
    size_t refused = generation - 1;
    keys_.in_use.compare_exchange_strong(refused, generation, std::memory_order_relaxed);
    return AfterRefusal::repeat;
  }

 private:
  ApiKeys& keys_;
};

class ApiKeyProcessScheme final : public ProcessScheme {
 public:
  // `keys` in the order of their use.
  ApiKeyProcessScheme(std::string field_name, std::string prefix, const std::vector<Secret>& keys)
      : prefix_(std::move(prefix)) {
    keys_.field_name = std::move(field_name);
    for (const Secret& key : keys) {
      Bytes value = to_bytes(prefix_);
      value.reserve(prefix_.size() + key.size());
      const ByteView bytes = key.unsafe_reveal();
      value.insert(value.end(), bytes.begin(), bytes.end());
      keys_.field_values.push_back(Secret::take(std::move(value)));
    }
  }

  std::unique_ptr<Scheme> for_loop(Executor&) override {
    return std::make_unique<ApiKeyScheme>(keys_);
  }
  std::string_view field_name() const override { return keys_.field_name; }
  std::string redacted(std::string_view field_value) const override {
    if (!field_value.starts_with(prefix_)) return redacted_key(field_value);
    return prefix_ + redacted_key(field_value.substr(prefix_.size()));
  }

 private:
  std::string prefix_;
  ApiKeys keys_;
};

constexpr std::array<SettingSpec, 4> settings_table{{
    {.key = "key",
     .kind = SettingSpec::Kind::secret,
     .required = true,
     .help = "the API key, as the provider issued it"},
    {.key = "next_key",
     .kind = SettingSpec::Kind::secret,
     .help = "the key that follows: used as soon as the provider refuses the other with 401"},
    {.key = "header", .help = "the field that carries it; default \"Authorization\""},
    {.key = "prefix",
     .help = "what stands before the key; default \"ApiKey \" in Authorization, nothing in another "
             "field"},
}};

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= key_bytes_max && http::is_field_value(text) &&
         text.find_first_of(" \t") == std::string_view::npos;
}

std::unexpected<Error> bad_setting(std::string_view text) {
  return fail(ErrorKind::misconfigured, "consumer.bad_setting", text);
}

Result<std::unique_ptr<ProcessScheme>> make(const SchemeSettings& settings, const SchemeParts&) {
  const std::string field_name = settings.text_or("header", default_field);
  const bool in_authorization = ascii::equal_ignoring_case(field_name, default_field);
  const std::string prefix = settings.text_or("prefix", in_authorization ? default_prefix : "");
  std::vector<Secret> keys{settings.secret("key")};
  if (Secret next = settings.secret("next_key"); !next.empty()) keys.push_back(std::move(next));
  if (!http::is_token(field_name)) return bad_setting("header: not the name of a header field");
  if (!prefix.empty() && !http::is_field_value(prefix))
    return bad_setting("prefix: not the text of a header field");
  for (const Secret& key : keys) {
    if (!is_key(key.unsafe_reveal_text())) {
      return bad_setting(
          "key: empty, too long, or with characters that a header field cannot carry");
    }
  }
  return std::make_unique<ApiKeyProcessScheme>(field_name, prefix, keys);
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
