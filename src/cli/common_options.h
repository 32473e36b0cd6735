// What every command is told: where the configuration is and how to print.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/config.h"

namespace countersign::cli {

enum class OutputForm { text, json };

struct CommonOptions {
  std::filesystem::path config;   // --config, else COUNTERSIGN_CONFIG
  std::vector<std::string> sets;  // --set section.key=value
  OutputForm output = OutputForm::text;

  // The configuration with its overrides: flag > environment > file.
  ConfigReader load() const {
    return ConfigReader::load(config, {.flags = sets, .environment = process_environment()});
  }
};

}  // namespace countersign::cli
