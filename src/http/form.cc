#include "http/form.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"

namespace countersign::http {

bool is_form_content_type(std::string_view content_type) {
  const size_t semicolon = content_type.find(';');
  if (!ascii::equal_ignoring_case(ascii::trim(content_type.substr(0, semicolon)),
                                  form_content_type))
    return false;
  if (semicolon == std::string_view::npos) return true;
  const std::string_view parameter = ascii::trim(content_type.substr(semicolon + 1));
  return ascii::equal_ignoring_case(parameter, "charset=utf-8") ||
         ascii::equal_ignoring_case(parameter, "charset=\"utf-8\"");
}

Form::Form(Form&& other) noexcept : fields_(std::exchange(other.fields_, {})) {}

Form& Form::operator=(Form&& other) noexcept {
  if (this != &other) {
    wipe_values();
    fields_ = std::exchange(other.fields_, {});
  }
  return *this;
}

Form::~Form() {
  wipe_values();
}

void Form::wipe_values() {
  for (QueryParameter& field : fields_) wipe(field.value);
}

const std::string* Form::find(std::string_view name) const {
  for (const QueryParameter& field : fields_) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

std::string_view Form::value(std::string_view name) const {
  const std::string* found = find(name);
  return found ? std::string_view(*found) : std::string_view();
}

Secret Form::take_secret(std::string_view name) {
  for (auto field = fields_.begin(); field != fields_.end(); ++field) {
    if (field->name != name) continue;
    Secret secret = Secret::take(std::move(field->value));
    fields_.erase(field);
    return secret;
  }
  return {};
}

Result<Form> parse_form(std::string_view body, const FormLimits& limits) {
  const auto too_large = [] {
    return fail(ErrorKind::too_large, "http.form_too_large",
                "the form is too large or has too many fields");
  };
  if (body.size() > limits.bytes_max) return too_large();
  Form form;
  // No growth, so that no copy of a secret is left behind in memory that was given back.
  const auto pairs = static_cast<size_t>(std::ranges::count(body, '&')) + 1;
  if (pairs > limits.fields_max) return too_large();
  form.fields_.reserve(pairs);
  QueryReader reader(body);
  while (auto next = reader.next()) {
    CS_TRY(QueryParameter field, *std::move(next));
    if (form.find(field.name)) {
      wipe(field.value);
      return fail(ErrorKind::invalid_input, "http.form_duplicate_field",
                  "the form names a field twice");
    }
    form.fields_.push_back(std::move(field));
  }
  return form;
}

void append_form_field(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += '&';
  append_percent_encoded(out, name);
  out += '=';
  append_percent_encoded(out, value);
}

}  // namespace countersign::http
