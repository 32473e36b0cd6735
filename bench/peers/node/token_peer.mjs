// Callers that share one client of npm's openid-client. The library gives token sets and leaves
// keeping them to the program, so there are two programs here:
//   plain   the token set is kept, and asked for again when expiresIn() says 0
//   shared  the same, and callers that find a request under way wait for that one
// What is counted, and how, is as in bench/processes/tokens_callers.h.
//
// usage: node token_peer.mjs JOB.json
// Prints "WARM" when each caller's first call has ended, however it did, then
// "RESULT calls failed stalled longest_us".

import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import * as client from 'openid-client';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const secret = readFileSync(job.client_secret_file, 'utf8').trim();
const api = new URL(job.api_url);
const config = new client.Configuration(
  { issuer: new URL(job.token_url).origin, token_endpoint: job.token_url },
  job.client_id,
  undefined,
  client.ClientSecretBasic(secret),
);

let tokens;
let asking;

async function ask() {
  tokens = await client.clientCredentialsGrant(config);
}

async function accessToken() {
  if (tokens === undefined || tokens.expiresIn() === 0) {
    if (job.share_request) {
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      await asking;
    } else {
      await ask();
    }
  }
  return tokens.access_token;
}

async function call() {
  const answer = await client.fetchProtectedResource(config, await accessToken(), api, 'GET');
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
}

const tally = { calls: 0, failed: 0, stalled: 0, longest: 0 };

async function countedCall() {
  const started = performance.now();
  let failed = 0;
  try {
    await call();
  } catch {
    failed = 1;
  }
  const took = performance.now() - started;
  tally.calls += 1;
  tally.failed += failed;
  if (took > job.stall_ms) tally.stalled += 1;
  tally.longest = Math.max(tally.longest, took);
  await pause(Math.max(0, started + job.pace_ms - performance.now()));
}

const callers = Array.from({ length: job.callers }, (_, index) => index);
await Promise.all(callers.map(() => call().catch(() => {})));
console.log('WARM');
const end = performance.now() + job.run_ms;
await Promise.all(
  callers.map(async (index) => {
    await pause((job.pace_ms * index) / job.callers);
    while (performance.now() < end) await countedCall();
  }),
);
console.log(
  `RESULT ${tally.calls} ${tally.failed} ${tally.stalled} ${Math.round(tally.longest * 1000)}`,
);
process.exit(0);
