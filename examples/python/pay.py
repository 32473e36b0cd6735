"""Posts a payment through the egress with requests (Debian: python3-requests), and says what became of it.

    python3 pay.py http://127.0.0.1:8080/acme IDEMPOTENCY_KEY < payment.json
"""

import sys

import requests

base, key = sys.argv[1:3]
answer = requests.post(
    f"{base}/v1/payments",
    data=sys.stdin.buffer.read(),
    headers={"Content-Type": "application/json", "Idempotency-Key": key},
    timeout=35,  # longer than the egress's own deadline
    allow_redirects=False,
)
# answered: the provider decided, whatever the status. not_sent: safe to send again. unknown: look it up,
# or send it again with the same key. If requests itself raises, the outcome is unknown too.
outcome = answer.headers["Countersign-Outcome"]
print(outcome, answer.status_code, answer.text)
sys.exit(0 if outcome == "answered" else 1)
