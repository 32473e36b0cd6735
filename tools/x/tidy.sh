#!/usr/bin/env bash
# ./x tidy
source tools/x/lib.sh

if help_wanted "$@"; then
  cat <<'TEXT'
usage: ./x tidy [--update]

Everything that is checked without running the programs:
  layout     clang-format, by .clang-format
  rules      the house rules of tests/lint: layers, sizes, banned calls, citations
  scripts    shellcheck
  analysis   clang-tidy on src/ and apps/, by .clang-tidy; a file that passed is not analysed again
             until it, a header it includes, or .clang-tidy changes

  --update   first rewrite what is generated from the sources: docs/rfc-map.md

All of it runs even if a part fails; the exit code is 0 only if none did.
TEXT
  exit 0
fi
update=
case ${1:-} in
  '') ;;
  --update) update=1 ;;
  *) usage_error "unknown argument \"$1\"; see ./x tidy --help" ;;
esac

readonly cache=build/tidy
failures=()

# part NAME COMMAND…
part() {
  local name=$1 began=$SECONDS
  shift
  if "$@"; then
    say "tidy: $name: ok ($((SECONDS - began)) s)"
  else
    say "tidy: $name: FAILED"
    failures+=("$name")
  fi
}

layout() { sources | xargs -r -P "$(jobs_count)" -n 40 clang-format-19 --dry-run -Werror; }

scripts() { shellcheck -x x .ci/run tools/x/*.sh bench/run bench/peers/build; }

rules() {
  build dev lint_test >"$cache/lint-build.log" 2>&1 || {
    cat "$cache/lint-build.log"
    return 1
  }
  COUNTERSIGN_UPDATE_RFC_MAP=$update build/dev/tests/lint/lint_test --gtest_brief=1 </dev/null
}

dependencies() {
  find src apps \( -name '*.h' -o -name '*.cc' \) -type f -print0 | LC_ALL=C sort -z |
    xargs -0 awk -f tools/x/dependencies.awk
}

# One file; its name goes into the cache if nothing was found.
analyse_one() {
  local file=$1 mark=$2
  if clang-tidy-19 --quiet -p build/dev "$file" >"$mark.log" 2>&1; then
    mv "$mark.log" "$mark"
  else
    # What it counted but did not show is no news.
    grep -vE -e '^[0-9]+ warnings?( and [0-9]+ errors?)? (generated|treated)|^Suppressed|^Use -header' "$mark.log"
    rm -f "$mark.log"
    return 1
  fi
}

analysis() {
  local base file rest mark work=()
  ensure_packages build test
  configure dev
  base=$(cat .clang-tidy build/dev/CMakeCache.txt CMakeLists.txt cmake/*.cmake tools/x/tidy.sh |
    sha256sum)
  mkdir -p "$cache/passed"
  while read -r file rest; do
    # shellcheck disable=SC2086  # a word is a file
    mark=$cache/passed/$(cat $file $rest | cat - <(say "$base $file") | sha256sum | cut -c1-40)
    if [[ -f $mark ]]; then
      touch "$mark"
    else
      work+=("$file" "$mark")
    fi
  done < <(dependencies)
  find "$cache/passed" -type f -mtime +30 -delete
  [[ ${#work[@]} == 0 ]] && return
  say "tidy: analysing $((${#work[@]} / 2)) files"
  export -f analyse_one
  # shellcheck disable=SC2016  # expanded by the inner shell
  printf '%s\0' "${work[@]}" |
    xargs -0 -n 2 -P "$(jobs_count)" bash -c 'analyse_one "$1" "$2"' analyse
}

ensure_packages tidy
mkdir -p "$cache"
part layout layout
part scripts scripts
part rules rules
part analysis analysis
if [[ ${#failures[@]} != 0 ]]; then
  say "tidy: failed: ${failures[*]}"
  exit 1
fi
