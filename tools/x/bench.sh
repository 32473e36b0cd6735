#!/usr/bin/env bash
# ./x bench
source tools/x/lib.sh

if help_wanted "$@"; then
  cat <<'TEXT'
usage: ./x bench [NAME]

Builds the bench preset and compares with nginx and HAProxy doing the same work on this machine:
one worker each, alternating with ours in one run, at least three rounds, medians. The main figure
is CPU time of the proxy process per request. Without NAME, every benchmark:
  egress     plain HTTP in, credential added, mutual TLS out
  gateway    mutual TLS in, full check of a token, plain HTTP out
  memory     resident memory, busy and idle
  functions  single functions (Google Benchmark)

Prints a table and writes build/bench/NAME.json. Close other programs first.
TEXT
  exit 0
fi

build bench
exec bench/run "$@"
