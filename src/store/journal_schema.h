// The tables of a journal on SQLite.

#pragma once

#include <span>

#include "store/migrations.h"

namespace countersign::store {

std::span<const Migration> journal_migrations();

}  // namespace countersign::store
