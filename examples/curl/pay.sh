#!/bin/sh
# Posts a payment through the egress with curl, and says what became of it.
#
#   pay.sh http://127.0.0.1:8080/acme IDEMPOTENCY_KEY < payment.json
set -eu
answer=$(mktemp)
trap 'rm -f "$answer" "$answer.head"' EXIT

curl --silent --show-error --max-time 35 --data-binary @- \
  --header 'Content-Type: application/json' --header "Idempotency-Key: $2" \
  --dump-header "$answer.head" --output "$answer" "$1/v1/payments"

status=$(sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$answer.head")
outcome=$(tr -d '\r' < "$answer.head" | sed -n 's/^[Cc]ountersign-[Oo]utcome: //p')
echo "$outcome $status $(cat "$answer")"
# answered: the provider decided, whatever the status. not_sent: safe to send again. unknown: look it up,
# or send it again with the same key.
[ "$outcome" = answered ]
