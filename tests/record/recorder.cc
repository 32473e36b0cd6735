#include "record/recorder.h"

#include <fstream>
#include <functional>
#include <iterator>

#include <unistd.h>

#include "core/error.h"
#include "record/secret_rules.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;

bool is_log(const fs::path& path) {
  const std::string name = path.filename().string();
  // Rotated ones have more behind the name; the key of an audit log stands beside it and is a
  // secret.
  return !name.ends_with(".key") &&
         (name.find(".jsonl") != std::string::npos || name.find(".log") != std::string::npos);
}

void append(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << text;
  if (!file.flush()) panic("the record cannot be written: " + path.string());
}

}  // namespace

Recorder::Recorder(fs::path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_ / "secrets");
  fs::create_directories(folder_ / "output");
  fs::permissions(folder_, fs::perms::owner_all);
}

void Recorder::ended(const drill::Command& command, std::string_view output,
                     std::string_view errors) {
  const std::lock_guard lock(mutex_);
  std::string rest(output);
  register_fragments(take_what_is_shown_once(command.argv, rest));
  const std::string head = command.argv[0] + " " + (command.argv.size() > 1 ? command.argv[1] : "");
  keep(head, rest + std::string(errors));
  keep_logs();
}

void Recorder::wrote(const fs::path& path, std::string_view text) {
  const std::lock_guard lock(mutex_);
  register_fragments(fragments_of_file(text));
  folders_.insert(path.parent_path());
}

void Recorder::obtained(std::string_view secret) {
  const std::lock_guard lock(mutex_);
  register_fragments(fragments_of(secret));
}

void Recorder::register_fragments(const std::vector<std::string>& fragments) {
  std::string lines;
  for (const std::string& fragment : fragments) lines += fragment + "\n";
  if (!lines.empty()) append(folder_ / "secrets" / std::to_string(getpid()), lines);
}

void Recorder::keep(std::string_view what, std::string_view text) {
  const std::string name = std::to_string(getpid()) + "-" + std::to_string(++numbered_);
  append(folder_ / "output" / name, std::string(what) + "\n" + std::string(text));
}

// Whatever is there when a program ends: the last of a folder's programs has written all of it.
void Recorder::keep_logs() {
  for (const fs::path& folder : folders_) {
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(folder, gone)) {
      if (!entry.is_regular_file() || !is_log(entry.path())) continue;
      const std::string name = std::to_string(getpid()) + "-" +
                               std::to_string(std::hash<std::string>{}(folder.string())) + "-" +
                               entry.path().filename().string();
      fs::copy_file(entry.path(), folder_ / "output" / name, fs::copy_options::overwrite_existing,
                    gone);
    }
  }
}

Record::Record(const fs::path& folder) {
  std::error_code nothing_there;
  for (const auto& entry : fs::directory_iterator(folder / "secrets", nothing_there)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) fragments.insert(line);
  }
  for (const auto& entry : fs::directory_iterator(folder / "output", nothing_there))
    outputs.push_back(entry.path());
}

std::string file_content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {(std::istreambuf_iterator<char>(file)), {}};
}

}  // namespace countersign::testing
