// The row of each scheme, defined in the scheme's own file and listed in scheme_registry.cc.

#pragma once

#include "consumer/schemes/scheme_registry.h"

namespace countersign::consumer {

const SchemeRow& api_key_row();
const SchemeRow& oauth2_bearer_row();
const SchemeRow& oauth2_certificate_row();

}  // namespace countersign::consumer
