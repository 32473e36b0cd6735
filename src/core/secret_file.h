// Where secrets come from: a file that only its owner can read, a systemd credential, or an
// environment variable. Never a command line, and never the configuration file itself.

#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "core/config_environment.h"
#include "core/result.h"
#include "core/secret.h"

namespace countersign {

// Larger than any key, certificate chain with its key, or token; small enough to read without
// thought.
inline constexpr size_t secret_file_bytes_max = 64 * 1024;

// The file's bytes without one newline at the end. Fails closed: a file that its group or others
// may read or write is refused (`secret.exposed`, with what to do), as is one that is missing,
// unreadable or not a regular file
// (`secret.unreadable`), empty (`secret.empty`) or larger than secret_file_bytes_max
// (`secret.too_large`). Follows symbolic links (that is how mounted secrets are swapped);
// permissions are those of the opened file, so a swap between check and read changes nothing. Does
// not check who owns the file or the folders above it.
Result<Secret> read_secret_file(const std::filesystem::path& path);

// The systemd credential `name` (LoadCredential=): the file of that name in $CREDENTIALS_DIRECTORY.
// The same, but its mode is not checked: systemd guards the folder, and grants by ACL, which shows
// as group bits. A name with a slash or a leading dot is `secret.bad_name`.
Result<Secret> read_secret_credential(std::string_view name, const Environment& environment);

// The value of the environment variable `name`; unset or empty is `secret.empty`. The weakest
// place: the variable stays readable in /proc for every process of the same user.
Result<Secret> read_secret_variable(std::string_view name, const Environment& environment);

}  // namespace countersign
