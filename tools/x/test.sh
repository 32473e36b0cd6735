#!/usr/bin/env bash
# ./x test
source tools/x/lib.sh

if help_wanted "$@"; then
  cat <<'TEXT'
usage: ./x test [CTEST ARGS…]

Compiles the dev preset (AddressSanitizer, UndefinedBehaviorSanitizer) and runs every test: unit,
conformance, end to end, the corpus of every fuzz target, and the house rules; and looks for every
secret of the end-to-end tests in all output of the programs that they start. Then compiles what
is threaded with ThreadSanitizer and runs its unit tests again.

With arguments, which go to ctest, runs only those tests and leaves ThreadSanitizer out:
  ./x test -R JwtVerifier         tests whose name matches
  ./x test --rerun-failed         those that failed last time

The last line says how many passed, failed and were skipped; the exit code is 0 only if none failed.
TEXT
  exit 0
fi

readonly threaded_programs=(core_test net_test store_test threads_test)
passed=0
failed=0
skipped=0

# count NAME FILE: adds the results in a JUnit file; no file means that the run broke off, a failure of its own.
count() {
  local name=$1 file=$2 tests bad skips
  if [[ ! -s $file ]]; then
    say "$name: broke off before it wrote its results"
    failed=$((failed + 1))
    return
  fi
  # A record is a test case; what it printed is escaped, so that it cannot look like a result.
  read -r tests bad skips < <(awk -v RS='<testcase ' '
    NR == 1 || /^name="program\./ { next }
    { tests++ }
    /<failure/ || /<error/ { bad++; next }
    /<skipped/ || /status="(notrun|disabled)"/ { skips++ }
    END { print tests + 0, bad + 0, skips + 0 }' "$file")
  passed=$((passed + tests - bad - skips))
  failed=$((failed + bad))
  skipped=$((skipped + skips))
}

# run_ctest CTEST ARGS…: programs of unit tests are counted by their tests.
run_ctest() {
  local results=$PWD/build/dev/results.xml status=0 before=$failed program
  rm -rf "$results" build/dev/programs
  ctest --test-dir build/dev -j "$(jobs_count)" --output-on-failure --no-tests=error \
    --output-junit "$results" "$@" </dev/null || status=$?
  if [[ -s $results ]]; then
    while read -r program; do
      count "$program" "$PWD/build/dev/programs/$program.xml"
    done < <(grep -o '<testcase name="program\.[a-z_]*"' "$results" | grep -o '[a-z_]*_test')
  fi
  count "ctest" "$results"
  # Never less than what ctest itself says.
  if [[ $status != 0 && $failed == "$before" ]]; then
    say "ctest: ended with code $status"
    failed=$((failed + 1))
  fi
}

# A program at a time: ThreadSanitizer makes starting a process dear, and one process a program is enough.
run_threaded() {
  local program path results status before targets=()
  configure tsan
  for program in "${threaded_programs[@]}"; do
    if ninja -C build/tsan -t query "$program" >/dev/null 2>&1; then targets+=("$program"); fi
  done
  [[ ${#targets[@]} == 0 ]] && return
  if ! build tsan "${targets[@]}"; then
    say "the ThreadSanitizer build failed"
    failed=$((failed + 1))
    return
  fi
  for program in "${targets[@]}"; do
    path=$(find build/tsan/src build/tsan/tests -name "$program" -type f -perm -u+x -print -quit)
    results=$PWD/build/tsan/$program.xml
    rm -f "$results"
    status=0
    TSAN_OPTIONS="halt_on_error=0 second_deadlock_stack=1 ${TSAN_OPTIONS:-}" \
      "$path" --gtest_brief=1 --gtest_output="xml:$results" </dev/null || status=$?
    before=$failed
    count "$program (ThreadSanitizer)" "$results"
    if [[ $status != 0 && $failed == "$before" ]]; then
      say "$program: ThreadSanitizer found a race (exit code $status)"
      failed=$((failed + 1))
    fi
  done
}

build dev
install_interop
if [[ $# == 0 ]]; then
  # All tests run: the search for secrets in their output must have something to search.
  export COUNTERSIGN_WHOLE_SUITE=1
  run_ctest --label-exclude '^unit$'
  run_threaded
else
  run_ctest --label-exclude '^program$' "$@"
fi
say "$passed passed, $failed failed, $skipped skipped"
[[ $failed == 0 ]]
