#include "consumer/schemes/scheme_registry.h"

#include <algorithm>
#include <utility>

#include "consumer/schemes/scheme_rows.h"

namespace countersign::consumer {
namespace {

std::unexpected<Error> wrong(std::string_view code, std::string text) {
  return fail(ErrorKind::misconfigured, code, text);
}

bool is_given(const SchemeSettings& settings, const SettingSpec& spec) {
  switch (spec.kind) {
    case SettingSpec::Kind::text:
      return settings.texts.contains(spec.key);
    case SettingSpec::Kind::list:
      return settings.lists.contains(spec.key);
    case SettingSpec::Kind::seconds:
      return settings.seconds.contains(spec.key);
    case SettingSpec::Kind::secret:
      return settings.secrets.contains(spec.key);
    case SettingSpec::Kind::table:
      return settings.tables.contains(spec.key);
  }
  panic("a SettingSpec of no kind");
}

template <typename Map>
Result<void> check_known(const Map& values, SettingSpec::Kind kind, const SchemeRow& row) {
  for (const auto& [key, value] : values) {
    const bool known = std::ranges::any_of(row.settings, [&](const SettingSpec& spec) {
      return spec.key == key && spec.kind == kind;
    });
    if (!known) {
      return wrong("consumer.setting_unknown",
                   std::string(row.name) + " has no setting \"" + key + "\" of this type");
    }
  }
  return {};
}

}  // namespace

std::string SchemeSettings::text_or(std::string_view key, std::string_view otherwise) const {
  const auto found = texts.find(key);
  return found == texts.end() ? std::string(otherwise) : found->second;
}

std::vector<std::string> SchemeSettings::list(std::string_view key) const {
  const auto found = lists.find(key);
  return found == lists.end() ? std::vector<std::string>() : found->second;
}

std::chrono::seconds SchemeSettings::seconds_or(std::string_view key,
                                                std::chrono::seconds otherwise) const {
  const auto found = seconds.find(key);
  return found == seconds.end() ? otherwise : found->second;
}

Secret SchemeSettings::secret(std::string_view key) const {
  const auto found = secrets.find(key);
  return found == secrets.end() ? Secret() : found->second;
}

std::map<std::string, std::string> SchemeSettings::table(std::string_view key) const {
  const auto found = tables.find(key);
  return found == tables.end() ? std::map<std::string, std::string>() : found->second;
}

std::span<const SchemeRow> all_schemes() {
  static const std::vector<SchemeRow> rows{api_key_row(), oauth2_bearer_row(),
                                           oauth2_certificate_row()};
  return rows;
}

const SchemeRow* find_scheme(std::string_view name) {
  const auto rows = all_schemes();
  const auto found = std::ranges::find(rows, name, &SchemeRow::name);
  return found == rows.end() ? nullptr : &*found;
}

Result<std::unique_ptr<ProcessScheme>> make_scheme(std::string_view name,
                                                   const SchemeSettings& settings,
                                                   const SchemeParts& parts) {
  const SchemeRow* row = find_scheme(name);
  if (!row)
    return wrong("consumer.unknown_scheme", "there is no scheme \"" + std::string(name) + "\"");
  for (const SettingSpec& spec : row->settings) {
    if (spec.required && !is_given(settings, spec)) {
      return wrong("consumer.setting_missing",
                   std::string(name) + " needs the setting \"" + std::string(spec.key) + "\"");
    }
  }
  CS_CHECK(check_known(settings.texts, SettingSpec::Kind::text, *row));
  CS_CHECK(check_known(settings.lists, SettingSpec::Kind::list, *row));
  CS_CHECK(check_known(settings.seconds, SettingSpec::Kind::seconds, *row));
  CS_CHECK(check_known(settings.secrets, SettingSpec::Kind::secret, *row));
  CS_CHECK(check_known(settings.tables, SettingSpec::Kind::table, *row));
  if (row->needs_issuer && !parts.issuer) {
    return wrong("consumer.scheme_needs_issuer",
                 std::string(name) + " needs an issuer to ask for tokens");
  }
  if (row->needs_certificate && parts.certificate_thumbprint.empty()) {
    return wrong("consumer.scheme_needs_certificate",
                 std::string(name) + " needs a client certificate");
  }
  return row->make(settings, parts);
}

}  // namespace countersign::consumer
