// What marks the library's interface, and its version.
//
// Everything is in the inline namespace `countersign::client::v0`, so that two versions in one
// program are a link error and not a surprise. Until 1.0.0 each minor version may break the ABI;
// the shared library's SOVERSION says so.

#pragma once

#define COUNTERSIGN_CLIENT_VERSION_MAJOR 0
#define COUNTERSIGN_CLIENT_VERSION_MINOR 1

#if defined(__GNUC__)
#define COUNTERSIGN_API [[gnu::visibility("default")]]
#else
#define COUNTERSIGN_API
#endif
