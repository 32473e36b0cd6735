// `api_key`: `cs_<env>_<key id>_<secret>_<checksum>` (protocol/api_key.h), compared by its MAC. A
// key that is unknown and one whose secret is wrong are answered alike, after the same work.

#pragma once

#include "provider/schemes/scheme.h"

namespace countersign::provider {

const Scheme& api_key_scheme();

}  // namespace countersign::provider
