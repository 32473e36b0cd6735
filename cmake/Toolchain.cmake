# The compiler, its warnings and its hardening. Refuses a compiler that miscompiles coroutines.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Countersign needs clang 19 or newer: g++ 12 and older clangs miscompile coroutines (uses after "
    "free of awaited temporaries). Install Debian's clang-19 and configure with a preset: "
    "cmake --preset release")
endif()

# A probe for the miscompilation itself: an aggregate temporary and a capturing lambda in an awaited
# expression must be destroyed exactly once.
include(CheckCXXSourceRuns)
set(CMAKE_REQUIRED_FLAGS "-std=c++23 -O1")
file(READ "${CMAKE_SOURCE_DIR}/cmake/coroutine_probe.cc" COROUTINE_PROBE)
check_cxx_source_runs("${COROUTINE_PROBE}" COUNTERSIGN_COROUTINES_WORK)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT COUNTERSIGN_COROUTINES_WORK)
  message(FATAL_ERROR "This compiler destroys coroutine temporaries wrongly. Install Debian's clang-19.")
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-designated-field-initializers -Werror
                    -fno-omit-frame-pointer -fstack-protector-strong -D_GLIBCXX_ASSERTIONS)
add_link_options(-fuse-ld=lld $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie> -Wl,-z,relro,-z,now,-z,noexecstack)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(COUNTERSIGN_SANITIZE)
  add_compile_options(-fsanitize=${COUNTERSIGN_SANITIZE} -fno-sanitize-recover=all -O1 -gline-tables-only)
  add_link_options(-fsanitize=${COUNTERSIGN_SANITIZE})
endif()
