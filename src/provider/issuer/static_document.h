// StaticDocument: a public text that changes only with the configuration, answered to GET and HEAD.
// What the metadata and JWKS endpoints share.

#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/task.h"
#include "http/service.h"

namespace countersign::provider {

class StaticDocument final {
 public:
  // How long others may keep it: a new signing key is published this long before it signs.
  static constexpr std::string_view cache_control = "public, max-age=300";

  StaticDocument(std::string content_type, std::string text)
      : content_type_(std::move(content_type)), text_(std::move(text)) {}

  const std::string& text() const { return text_; }
  // 200, or 405 for other methods. Outlives the Task.
  Task<void> serve(http::Exchange& exchange) const;

 private:
  std::string content_type_;
  std::string text_;
};

}  // namespace countersign::provider
