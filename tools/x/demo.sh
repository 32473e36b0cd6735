#!/usr/bin/env bash
# ./x demo
source tools/x/lib.sh

if help_wanted "$@"; then
  cat <<'TEXT'
usage: ./x demo [--once]

Builds the release preset, makes a throw-away PKI and starts payment API, gateway with issuer, and
egress as processes of this machine, on loopback ports that are free. Then it is the backend: it
posts the payments in examples/payments with plain HTTP to the egress, once per scheme, and shows
what went over the wire (secrets redacted), the answer and the time it took; and it does what must
be refused, and shows each refusal's reason and decision id.

  --once   stop after that; the last line is a summary in JSON, and the exit code is 0 only if
           every step did what it should. Without it, everything stays up until Ctrl-C, with
           curl lines to try.

Nothing is left behind: keys and databases live in a temporary folder that is removed at the end.
TEXT
  exit 0
fi

build release
exec build/release/bin/countersign-demo --binaries build/release/bin --payments examples/payments "$@"
