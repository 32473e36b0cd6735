// oidc-provider as the issuer of the interop tests.
//
//   node issuer.mjs MODULES CONFIG
//
// MODULES is the folder in which npm installed; CONFIG a JSON file: issuer, certificate and key of
// the server, the CA of client certificates, methods (all if absent), clients. Two servers: one that
// asks for no certificate, and one for mutual TLS, which the metadata names as alias. Prints one JSON
// line when both listen, and one for each answer of the token endpoint.

import { X509Certificate, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, configFile] = process.argv.slice(2);
const config = JSON.parse(readFileSync(configFile, 'utf8'));
const entry = pathToFileURL(join(modules, 'oidc-provider', 'lib', 'index.js'));
const { default: Provider } = await import(entry.href);

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// What the client's PEM file holds, as its registered key.
function registeredKey({ key, certificate, kid }) {
  if (certificate) {
    const parsed = new X509Certificate(readFileSync(certificate));
    return { ...parsed.publicKey.export({ format: 'jwk' }), x5c: [parsed.raw.toString('base64')] };
  }
  return { ...createPublicKey(readFileSync(key)).export({ format: 'jwk' }), kid };
}

const clients = config.clients.map(({ key, certificate, kid, ...metadata }) => ({
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  scope: 'payments:read payments:write',
  id_token_signed_response_alg: 'ES256',
  ...metadata,
  ...(key || certificate ? { jwks: { keys: [registeredKey({ key, certificate, kid })] } } : {}),
}));

const tls = { cert: readFileSync(config.certificate), key: readFileSync(config.private_key) };
const listen = (options) => new Promise((resolve) => {
  const server = createServer({ ...tls, ...options });
  server.listen(0, '127.0.0.1', () => resolve(server));
});
const plain = await listen({});
// Self-signed certificates pass the handshake; whose they are is decided behind it.
const mutual = await listen({
  ca: readFileSync(config.client_ca), requestCert: true, rejectUnauthorized: false,
});

const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const all = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth',
  'self_signed_tls_client_auth'];
const provider = new Provider(config.issuer, {
  clients,
  clientAuthMethods: config.methods ?? all,
  enabledJWA: { clientAuthSigningAlgValues: ['PS256', 'ES256', 'EdDSA'] },
  cookies: { keys: ['not used by this grant'] },
  jwks: { keys: [{ ...signing.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'k1' }] },
  scopes: ['payments:read', 'payments:write'],
  ttl: { ClientCredentials: config.token_lifetime },
  discovery: {
    mtls_endpoint_aliases: { token_endpoint: `https://127.0.0.1:${mutual.address().port}/token` },
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: (ctx) => ctx.socket.getPeerX509Certificate(),
      certificateAuthorized: (ctx) => ctx.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_san_dns'
        && ctx.socket.getPeerX509Certificate().subjectAltName.split(', ').includes(`DNS:${expected}`),
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'payments:read payments:write',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

provider.use(async (ctx, next) => {
  await next();
  if (ctx.method !== 'POST') return;
  say({
    event: 'issuer.answered', client: ctx.oidc?.client?.clientId, status: ctx.status,
    error: ctx.body?.error, description: ctx.body?.error_description,
  });
});
provider.on('server_error', (ctx, error) => say({ event: 'issuer.failed', error: String(error) }));

plain.on('request', provider.callback());
mutual.on('request', provider.callback());
say({
  event: 'issuer.listening',
  address: `127.0.0.1:${plain.address().port}`,
  mutual_tls: `127.0.0.1:${mutual.address().port}`,
});
