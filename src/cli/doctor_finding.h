// A finding of `countersign doctor`, and the judgements that need no network.

#pragma once

#include <string>
#include <string_view>

#include "core/clock.h"
#include "crypto/certificate.h"

namespace countersign::cli {

enum class Verdict { ok, warning, failed, skipped };
std::string_view name_of(Verdict verdict);

struct Finding {
  std::string check = {};  // "dns", "issuer tls"
  Verdict verdict = Verdict::ok;
  std::string found = {};   // what was seen
  std::string advice = {};  // what to do about it; empty if nothing
};

// A warning within two weeks of its end, failed outside its validity. `whose` begins the text.
Finding judge_validity(std::string check, const crypto::Certificate& certificate,
                       std::string_view whose, WallTime now);

// The clocks of both sides, by the Date of an answer to a request sent at `asked` and answered at
// `answered`. What lies within that span, or two seconds of it, agrees; up to 30 seconds is a
// warning, as verifiers commonly tolerate that much. Skipped if `date` is none.
Finding judge_clock(std::string_view date, WallTime asked, WallTime answered);

}  // namespace countersign::cli
