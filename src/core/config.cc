#include "core/config.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/config_document.h"

namespace countersign {
namespace {

constexpr size_t file_bytes_max = 1024 * 1024;

std::expected<std::string, std::string> read_text(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status))
    return std::unexpected("no such file; expected a configuration (TOML)");
  if (!std::filesystem::is_regular_file(status)) return std::unexpected("not a regular file");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::unexpected(std::string("cannot be read: ") + std::strerror(errno));
  std::string text(file_bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (stream.bad()) return std::unexpected("cannot be read to its end");
  if (text.size() > file_bytes_max) return std::unexpected("larger than 1 MiB");
  return text;
}

}  // namespace

ConfigReader::ConfigReader(std::unique_ptr<ConfigDocument> document)
    : document_(std::move(document)) {}
ConfigReader::ConfigReader(ConfigReader&&) noexcept = default;
ConfigReader& ConfigReader::operator=(ConfigReader&&) noexcept = default;
ConfigReader::~ConfigReader() = default;

ConfigReader ConfigReader::load(const std::filesystem::path& file_name, ConfigOverrides overrides) {
  const auto text = read_text(file_name);
  if (text) return parse(*text, file_name, std::move(overrides));
  auto document = std::make_unique<ConfigDocument>(file_name, std::move(overrides.environment));
  document->set_unreadable(text.error());
  return ConfigReader(std::move(document));
}

ConfigReader ConfigReader::parse(std::string_view text, const std::filesystem::path& file_name,
                                 ConfigOverrides overrides) {
  auto document = std::make_unique<ConfigDocument>(file_name, std::move(overrides.environment));
  document->set_text(text);
  document->apply(overrides.flags);
  return ConfigReader(std::move(document));
}

ConfigSection ConfigReader::root() {
  return document_->root();
}

std::vector<ConfigProblem> ConfigReader::problems() {
  return document_->problems();
}

Result<void> ConfigReader::finish() {
  std::string text;
  for (const ConfigProblem& problem : problems()) {
    if (!text.empty()) text += '\n';
    text += problem.to_string();
  }
  if (text.empty()) return {};
  return fail(ErrorKind::misconfigured, "config.invalid", text);
}

std::vector<std::filesystem::path> ConfigReader::files() const {
  return {document_->files().begin(), document_->files().end()};
}

std::vector<std::string> ConfigReader::unsafe_options() const {
  return document_->unsafe_options();
}

}  // namespace countersign
