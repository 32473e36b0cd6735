#include "net/fd.h"

#include <system_error>

namespace countersign::net {

Error system_error(ErrorKind kind, std::string_view code, std::string_view public_text,
                   std::string_view doing, int error_number) {
  std::string detail(doing);
  detail += ": ";
  detail += std::generic_category().message(error_number);
  return make_error(kind, code, public_text, detail);
}

}  // namespace countersign::net
