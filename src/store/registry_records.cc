#include "store/registry_records.h"

#include <algorithm>
#include <array>
#include <utility>

namespace countersign::store {
namespace {

template <typename E, size_t N>
using Names = std::array<std::pair<E, std::string_view>, N>;

constexpr Names<ClientStatus, 2> statuses{{
    {ClientStatus::active, "active"},
    {ClientStatus::disabled, "disabled"},
}};
// The values of token_endpoint_auth_method (RFC 7591 §2, RFC 8705 §2.1.1 and §2.2.1).
constexpr Names<ClientAuthMethod, 5> methods{{
    {ClientAuthMethod::none, "none"},
    {ClientAuthMethod::client_secret_basic, "client_secret_basic"},
    {ClientAuthMethod::client_secret_post, "client_secret_post"},
    {ClientAuthMethod::tls_client_auth, "tls_client_auth"},
    {ClientAuthMethod::self_signed_tls_client_auth, "self_signed_tls_client_auth"},
}};
constexpr Names<SubjectKind, 4> kinds{{
    {SubjectKind::client, "client"},
    {SubjectKind::credential, "credential"},
    {SubjectKind::certificate, "certificate"},
    {SubjectKind::token, "token"},
}};
constexpr Names<ChangedEntity, 4> entities{{
    {ChangedEntity::client, "client"},
    {ChangedEntity::key, "key"},
    {ChangedEntity::secret, "secret"},
    {ChangedEntity::cut_off, "cut_off"},
}};

template <typename E, size_t N>
std::string_view find_name(const Names<E, N>& names, E value) {
  const auto found = std::ranges::find(names, value, [](const auto& row) { return row.first; });
  if (found == names.end()) panic("an enumerator of the registry without a name");
  return found->second;
}

template <typename E, size_t N>
std::optional<E> find_value(const Names<E, N>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name, [](const auto& row) { return row.second; });
  if (found == names.end()) return std::nullopt;
  return found->first;
}

}  // namespace

std::string_view name_of(ClientStatus status) {
  return find_name(statuses, status);
}
std::string_view name_of(ClientAuthMethod method) {
  return find_name(methods, method);
}
std::string_view name_of(SubjectKind kind) {
  return find_name(kinds, kind);
}
std::string_view name_of(ChangedEntity entity) {
  return find_name(entities, entity);
}

std::optional<ClientStatus> client_status_of(std::string_view name) {
  return find_value(statuses, name);
}
std::optional<ClientAuthMethod> client_auth_method_of(std::string_view name) {
  return find_value(methods, name);
}
std::optional<SubjectKind> subject_kind_of(std::string_view name) {
  return find_value(kinds, name);
}
std::optional<ChangedEntity> changed_entity_of(std::string_view name) {
  return find_value(entities, name);
}

std::string cut_off_id(SubjectKind kind, std::string_view subject) {
  std::string id(name_of(kind));
  id.append(":").append(subject);
  return id;
}

std::optional<CutOffId> parse_cut_off_id(std::string_view id) {
  const size_t colon = id.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto kind = subject_kind_of(id.substr(0, colon));
  if (!kind) return std::nullopt;
  return CutOffId{*kind, std::string(id.substr(colon + 1))};
}

}  // namespace countersign::store
