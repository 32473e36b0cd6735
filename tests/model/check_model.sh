#!/usr/bin/env bash
# Checks models/token_lease.pml with spin: the protocol as it is holds, searched to the end; and each
# broken variant is caught, so that a check which finds nothing means something.
#
# usage: check_model.sh MODEL C_COMPILER
set -euo pipefail

model=$(realpath -- "$1")
compiler=$2
command -v spin >/dev/null || {
  echo "spin is missing: apt-get install spin" >&2
  exit 1
}
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd -- "$folder"

# search FLAGS… -- PAN_ARGUMENTS…: the verifier's report is in "report".
search() {
  local flags=() built
  while [[ $1 != -- ]]; do
    flags+=("$1")
    shift
  done
  shift
  # spin reads the model through a preprocessor of its choice unless told which.
  spin "-P$compiler -E -x c" "${flags[@]}" -a "$model" >/dev/null
  built=(-DSAFETY -DNOCLAIM)
  [[ " $* " == *" -a "* ]] && built=(-DNFAIR=2)
  "$compiler" -w -O2 -DMEMLIM=900 "${built[@]}" -o pan pan.c
  ./pan -m100000 "$@" >report 2>&1 || true
}

fail() {
  echo "$1" >&2
  cat report >&2
  exit 1
}

# Nothing is wrong, and nothing was left out: no truncated depth, no exhausted memory.
expect_right() {
  echo "holds: $*"
  search "$@"
  grep -q 'errors: 0$' report || fail "the protocol does not hold"
  ! grep -Eq 'search depth too small|out of memory|max search depth|not completed|aborted' report ||
    fail "the search was not complete"
}

expect_caught() {
  echo "is caught: $*"
  search "$@"
  grep -Eq 'assertion violated|invalid end state' report || fail "a broken protocol was not caught"
}

expect_right -DPROCESSES=3 -DCLAIMS=3 --
expect_right -DPROCESSES=2 -DCLAIMS=5 -DREFUSALS=2 --
expect_right -DPROCESSES=2 -DOUTAGES=2 --
expect_right -DPROCESSES=2 -DCLAIMS=3 -DREFUSALS=0 -- -a -f

expect_caught -DPROCESSES=2 -DUNFENCED --
expect_caught -DPROCESSES=2 -DUNCLAIMED --
expect_caught -DPROCESSES=2 -DNO_EXPIRY --
expect_caught -DPROCESSES=2 -DREUSED --
