// application/x-www-form-urlencoded, as OAuth2's endpoints use it (RFC 6749 §B). Strict:
// UTF-8, every name at most once (RFC 6749 §3.2), bounded.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/secret.h"
#include "http/target.h"

namespace countersign::http {

inline constexpr std::string_view form_content_type = "application/x-www-form-urlencoded";

// True for "application/x-www-form-urlencoded", in any case, alone or with ";charset=utf-8".
bool is_form_content_type(std::string_view content_type);

struct FormLimits {
  size_t bytes_max = 32 * 1024;  // a client assertion of 8 KiB and more fits, a flood does not
  size_t fields_max = 32;        // token requests have about ten
};

// The fields of a form. Values are zeroed when it is destroyed, because one of them may be a client
// secret.
class Form final {
 public:
  Form() = default;
  Form(Form&& other) noexcept;
  Form& operator=(Form&& other) noexcept;
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;
  ~Form();

  // The value, or null if the field is absent.
  const std::string* find(std::string_view name) const;
  // The value, or empty. RFC 6749 §3.2: a parameter sent without a value is treated as omitted.
  std::string_view value(std::string_view name) const;
  // The value as a Secret, removed from the form; empty if absent.
  Secret take_secret(std::string_view name);

  const std::vector<QueryParameter>& fields() const { return fields_; }

 private:
  friend Result<Form> parse_form(std::string_view body, const FormLimits& limits);
  void wipe_values();
  std::vector<QueryParameter> fields_;
};

// `http.form_too_large`, `http.form_duplicate_field`, `http.bad_encoding` (broken triplets, not
// UTF-8, control characters, empty names or pairs). An empty body is an empty form. No message
// repeats a value.
Result<Form> parse_form(std::string_view body, const FormLimits& limits = {});

// Appends "name=value", with '&' before it unless `out` is empty. Everything but unreserved
// characters is encoded.
void append_form_field(std::string& out, std::string_view name, std::string_view value);

}  // namespace countersign::http
