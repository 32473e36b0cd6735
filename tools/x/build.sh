#!/usr/bin/env bash
# ./x build
source tools/x/lib.sh

if help_wanted "$@"; then
  cat <<'TEXT'
usage: ./x build [PRESET] [TARGET…]

Compiles into build/PRESET. Presets:
  release   what users run: build/release/bin/countersign (the default)
  dev       AddressSanitizer and UndefinedBehaviorSanitizer, with all tests
  tsan      ThreadSanitizer, with all tests
  bench     release and the benchmarks
  fuzz      libFuzzer targets

With TARGETs, only those. ccache, where installed, makes the second build quick.
TEXT
  exit 0
fi

preset=${1:-release}
case $preset in
  release | dev | tsan | bench | fuzz) ;;
  *) usage_error "there is no preset \"$preset\"; ./x build --help lists them" ;;
esac
build "$preset" "${@:2}"
