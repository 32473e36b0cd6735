// The SQLite schema of the provider's record, and of the nodes' file beside it.

#pragma once

#include <span>

#include "store/migrations.h"

namespace countersign::store {

std::span<const Migration> registry_migrations();
std::span<const Migration> node_migrations();

}  // namespace countersign::store
