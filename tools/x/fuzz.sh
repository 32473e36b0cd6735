#!/usr/bin/env bash
# ./x fuzz
source tools/x/lib.sh

list_targets() {
  local file
  for file in fuzz/*_fuzz.cc; do say "  $(basename "$file" _fuzz.cc)"; done
}

if help_wanted "$@" || [[ $# == 0 ]]; then
  cat <<'TEXT'
usage: ./x fuzz TARGET [SECONDS]

Looks for inputs that break a parser, for SECONDS (60 unless told otherwise), with libFuzzer,
AddressSanitizer and UndefinedBehaviorSanitizer. Starts from fuzz/corpus/TARGET; inputs that reach
new code are kept in build/fuzz/found/TARGET, inputs that break it in build/fuzz/broken/. Put what
is worth keeping into fuzz/corpus/TARGET: ./x test replays it. Targets:
TEXT
  list_targets
  exit 0
fi

target=$1
seconds=${2:-60}
[[ $target =~ ^[a-z0-9_]+$ && -f fuzz/${target}_fuzz.cc ]] ||
  usage_error "there is no fuzz target \"$target\"; ./x fuzz lists them"
[[ $seconds =~ ^[0-9]+$ ]] || usage_error "expected a number of seconds, not \"$seconds\""
build fuzz "${target}_fuzz"
program=$(find build/fuzz -name "${target}_fuzz" -type f -perm -u+x -print -quit)
mkdir -p "build/fuzz/found/$target" build/fuzz/broken
exec "$program" -max_total_time="$seconds" -print_final_stats=1 -timeout=10 \
  -artifact_prefix="build/fuzz/broken/$target-" "build/fuzz/found/$target" "fuzz/corpus/$target"
