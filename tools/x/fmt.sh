#!/usr/bin/env bash
# ./x fmt
source tools/x/lib.sh

if help_wanted "$@"; then
  cat <<'TEXT'
usage: ./x fmt

Lays out every C++ file with clang-format, by .clang-format at the root. ./x tidy says what differs
without changing it.
TEXT
  exit 0
fi

ensure_packages tidy
sources | xargs -r clang-format-19 -i
