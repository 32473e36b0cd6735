#include "store/token_rows.h"

#include <utility>

namespace countersign::store {
namespace {

using std::chrono::microseconds;

constexpr size_t name_bytes_max = 1024;

}  // namespace

Result<void> check_name(std::string_view name) {
  if (!name.empty() && name.size() <= name_bytes_max && name.find('\0') == std::string_view::npos)
    return {};
  return fail(ErrorKind::internal, "store.bad_name",
              "a slot's or an owner's name is empty, too long or has a zero byte");
}

Result<void> check_sealed(ByteView sealed) {
  if (sealed.size() <= sealed_bytes_max) return {};
  return fail(ErrorKind::too_large, "store.too_large", "this is too large to be recorded");
}

TokenRow to_token_row(StoredRow stored) {
  TokenRow row{.generation = static_cast<uint64_t>(stored.generation),
               .claimed = static_cast<uint64_t>(stored.claimed),
               .rejected = static_cast<uint64_t>(stored.rejected)};
  if (stored.token) {
    StoredToken& token = *stored.token;
    const microseconds age(std::max<int64_t>(token.age, 0));
    row.token = SealedToken{.sealed = std::move(token.sealed),
                            .key_version = static_cast<uint32_t>(token.key_version),
                            .age = age,
                            .expires_in = microseconds(token.lifetime) - age};
  }
  if (stored.lease_left > 0 && stored.lease_left <= 2 * stored.lease_length) {
    row.lease_owner = std::move(stored.lease_owner);
    row.lease_for = microseconds(stored.lease_left);
  }
  return row;
}

}  // namespace countersign::store
