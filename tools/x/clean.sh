#!/usr/bin/env bash
# ./x clean
source tools/x/lib.sh

if help_wanted "$@"; then
  cat <<'TEXT'
usage: ./x clean

Removes build/, with everything in it. ccache's own store stays, so that the next build is quick.
TEXT
  exit 0
fi

rm -rf build
