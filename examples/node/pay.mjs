// Posts a payment through the egress with Node's own fetch (Node 18 or newer), and says what became of it.
//
//   node pay.mjs http://127.0.0.1:8080/acme IDEMPOTENCY_KEY < payment.json
import { readFileSync } from "node:fs";

const [base, key] = process.argv.slice(2);
const answer = await fetch(`${base}/v1/payments`, {
  method: "POST",
  headers: { "Content-Type": "application/json", "Idempotency-Key": key },
  body: readFileSync(0),
  signal: AbortSignal.timeout(35_000), // longer than the egress's own deadline
});
// answered: the provider decided, whatever the status. not_sent: safe to send again. unknown: look it up,
// or send it again with the same key. If fetch itself throws, the outcome is unknown too.
const outcome = answer.headers.get("Countersign-Outcome");
console.log(outcome, answer.status, await answer.text());
process.exitCode = outcome === "answered" ? 0 : 1;
