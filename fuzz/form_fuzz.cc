// A form that is accepted has one meaning: written anew it is the same form.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "http/form.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign;
  using namespace countersign::http;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  is_form_content_type(input);
  const auto form = parse_form(input);
  if (!form) return 0;
  std::string text;
  for (const QueryParameter& field : form->fields())
    append_form_field(text, field.name, field.value);
  const FormLimits generous{.bytes_max = SIZE_MAX, .fields_max = SIZE_MAX};
  const auto again = parse_form(text, generous);
  if (!again || again->fields().size() != form->fields().size()) panic("a form cannot be written");
  for (size_t i = 0; i < form->fields().size(); ++i) {
    const QueryParameter& a = form->fields()[i];
    const QueryParameter& b = again->fields()[i];
    if (a.name != b.name || a.value != b.value) panic("a form changed its meaning");
    if (*form->find(a.name) != a.value) panic("a field is there twice");
  }
  return 0;
}
