// Buffers that are reused on their thread: a connection holds one only while it has something to
// hold, so that idle connections cost nothing and busy ones allocate nothing.

#pragma once

#include <string>

namespace countersign::http {

// An empty string with capacity for a head or a small message. May hold old bytes behind its end:
// never read past size().
std::string take_scratch();
// Gives it back. What was in it is zeroed first if `secret`. Large ones are
// freed, and so are those that hold no memory of their own.
void give_scratch(std::string&& buffer, bool secret = false);

}  // namespace countersign::http
