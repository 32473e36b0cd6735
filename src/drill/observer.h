// Observer: hears of what started programs have printed and of the secrets that are written for
// them, so that a test suite can search all output for all secrets. Nobody else installs one.

#pragma once

#include <filesystem>
#include <string_view>

namespace countersign::drill {

struct Command;

// Thread-safe.
class Observer {
 public:
  virtual ~Observer() = default;

  // A program has ended, or its ChildProcess has; what it has printed since it began. `errors` is
  // empty where both went into `output`.
  virtual void ended(const Command& command, std::string_view output, std::string_view errors) = 0;
  // By write_private_file().
  virtual void wrote(const std::filesystem::path& path, std::string_view text) = 0;
  // A secret that is in no file.
  virtual void obtained(std::string_view secret) = 0;
};

// Before the first program is started, once; the observer outlives the process's last use of
// drill/.
void observe(Observer& observer);
// Null: nobody observes.
Observer* observer();

}  // namespace countersign::drill
