#!/usr/bin/env bash
# ./x bench
source tools/x/lib.sh

if help_wanted "$@"; then
  cat <<'TEXT'
usage: ./x bench [NAME] [OPTION…]

Builds the bench preset and compares with nginx and HAProxy doing the same work on this machine:
one worker each, alternating with ours in one run, at least three rounds, medians. The main figure
is CPU time of the proxy process per request. Without NAME, every benchmark:
  egress     plain HTTP in, credential added, mutual TLS out
  gateway    mutual TLS in, full check of a token, plain HTTP out
  memory     resident memory, busy and idle
  functions  single functions (Google Benchmark)
  switch     certificate, key, CA bundle and API key of the egress replaced under 2,000 requests
             a second: calls failed, connections left with the old certificate; 15 seconds
  tokens     64 callers while their token expires 20 times: ours, Go's x/oauth2, and npm's
             openid-client where Node.js 20 and npm are installed; the egress while tokens are
             renewed, and with a token store; about seven minutes

Options: --rounds N, --seconds N (of each measurement), --expiries N (tokens only; 12 s each).
Prints a table and writes build/bench/NAME.json. Close other programs first.
TEXT
  exit 0
fi

build bench
# Only `tokens` needs these, and they take a package registry and a minute.
names=()
for word in "$@"; do
  if [[ $word =~ ^[a-z]+$ ]]; then names+=("$word"); fi
done
if [[ ${#names[@]} == 0 || " ${names[*]} " == *" tokens "* ]]; then bench/peers/build; fi
exec bench/run "$@"
