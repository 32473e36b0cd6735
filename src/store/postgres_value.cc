#include "store/postgres_value.h"

namespace countersign::store {

PostgresValue::PostgresValue(int64_t value) : type_(Type::integer), size_(8) {
  for (size_t i = 0; i < 8; ++i) {
    number_[i] = static_cast<uint8_t>(static_cast<uint64_t>(value) >> (56 - 8 * i));
  }
}

PostgresValue::PostgresValue(bool value) : type_(Type::boolean), size_(1) {
  number_[0] = value ? 1 : 0;
}

}  // namespace countersign::store
