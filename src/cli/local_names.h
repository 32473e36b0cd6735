// Users, groups and file modes as a configuration names them.

#pragma once

#include <cstdint>
#include <string_view>

#include "core/config.h"
#include "net/listener.h"

namespace countersign::cli {

// A name of this machine's user (group) database, or a number. `config.unknown_user`,
// `config.unknown_group`.
Result<uint32_t> user_id_of(std::string_view name);
Result<uint32_t> group_id_of(std::string_view name);

// "0660": three octal digits behind a 0.
Result<unsigned> parse_file_mode(std::string_view text);

// `unix`, `mode`, `owner` and `group` of a table that has `unix`. Problems are noted in it.
void read_unix_socket(const ConfigSection& section, net::ListenOptions& listener);

}  // namespace countersign::cli
