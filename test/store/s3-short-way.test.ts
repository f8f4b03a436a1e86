import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { createS3Client, type S3ClientOptions } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { type MemoryS3Options, startMemoryS3 } from '../support/memory-s3.ts';
import { makeCertificate, type TestCertificate } from '../support/origin-certificate.ts';
import { putBytes } from '../support/store-bytes.ts';
import { DROP, LOSE_REPLY, type Rule, refuse } from '../support/store-faults-rules.ts';

const ABSENT = { kind: 'absent' } as const;
const ANY = { kind: 'any' } as const;
const X = Buffer.from('x');

function storeAt(endpoint: string, options: S3ClientOptions = {}) {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials, ...options });
  /** What the SDK has sent. */
  const bySdk: string[] = [];
  client.middlewareStack.add(
    (next, context) => (args) => {
      bySdk.push(context.commandName ?? '');
      return next(args);
    },
    { step: 'deserialize', name: 'count' },
  );
  const store = openS3Store({ client, bucket: 'bucket', prefix: '' });
  onTestFinished(() => store.close());
  return { store, bySdk };
}

async function serve(faults: Rule[] = [], options: S3ClientOptions = {}, s3Options: MemoryS3Options = {}) {
  const s3 = await startMemoryS3({ buckets: ['bucket'], faults, ...s3Options });
  onTestFinished(() => s3.close());
  return { s3, ...storeAt(s3.endpoint, options) };
}

/** A server that only looks. */
async function listen(tls?: TestCertificate, answer?: RequestListener) {
  const seen: IncomingMessage[] = [];
  const look: RequestListener = (request, response) => {
    seen.push(request);
    request.resume().on('end', () => response.setHeader('etag', '"1"').end());
  };
  const listener = answer ?? look;
  const server = tls ? createTlsServer({ cert: tls.cert, key: tls.key }, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { seen, server, endpoint: `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}` };
}

test('plain answers are taken as they come: found, missing, written, a condition that does not hold', async () => {
  const { s3, store, bySdk } = await serve();
  const described = { contentType: 'text/plain', metadata: { line: '1' } };

  expect(await store.head('k')).toBeUndefined();
  const written = await putBytes(store, 'k', X, ABSENT, described);
  expect(await store.head('k')).toEqual(written);
  await expect(putBytes(store, 'k', X, ABSENT)).rejects.toMatchObject({ name: 'CommitConflict' });
  await putBytes(store, 'empty', Buffer.alloc(0), ABSENT);

  expect(written).toMatchObject({ bytes: 1, ...described });
  expect(s3.count('put')).toBe(3);
  // Who stands in the way is looked at, too.
  expect(s3.count('head')).toBe(3);
  expect(bySdk).toEqual([]);
});

test.each([
  {
    'content-length': '7',
    'content-type': 'text/plain',
    'content-encoding': 'gzip',
    'x-amz-checksum-crc32': 'jNwWgw==',
  },
  { 'content-length': '7', 'x-amz-storage-class': 'GLACIER', 'x-amz-meta-line': '1', 'x-amz-meta-source': 'a  b' },
  { 'content-length': '0', 'x-amz-archive-status': 'ARCHIVE_ACCESS', 'x-amz-checksum-crc32': 'jNwWgw==-2' },
])('an object is what the SDK would have read from the same answer: %o', async (headers) => {
  const { endpoint } = await listen(undefined, (_, response) =>
    response.writeHead(200, { etag: '"1"', ...headers }).end(),
  );
  const [short, sdk] = [storeAt(endpoint), storeAt(endpoint, { maxAttempts: 1 })];

  expect(await short.store.head('k')).toEqual(await sdk.store.head('k'));
  expect([short.bySdk.length, sdk.bySdk.length]).toEqual([0, 1]);
});

test.each(['a b+c', 'ü/é 🙂', "it's (1)*!", 'a?b#c&d=e', '%41', '~-._'])('key %s arrives as it is', async (key) => {
  const { s3, store, bySdk } = await serve();

  const written = await putBytes(store, key, X, ABSENT);

  expect(await store.head(key)).toEqual(written);
  expect(s3.objects()).toMatchObject([{ key }]);
  expect(bySdk).toEqual([]);
});

test.each([
  ['S02', refuse('SlowDown')],
  ['S03', refuse('InternalError')],
  ['S05', DROP],
  ['S20', refuse('AccessDenied')],
  ['S10', refuse('ConditionalRequestConflict')],
])('%s: what is no plain answer is none, and the SDK asks from the start', async (_, fault) => {
  const { s3, store, bySdk } = await serve([{ on: ['put', 'head'], times: 1, do: fault }]);

  await putBytes(store, 'k', X, ABSENT);

  expect(bySdk).toEqual(['PutObjectCommand']);
  expect(s3.count('put')).toBe(2);
  expect(s3.bytesOf('bucket', 'k')).toEqual(X);
});

test('S14: a write whose answer was lost is done again by the SDK, refused, and known for what it is', async () => {
  const { s3, store, bySdk } = await serve([{ on: 'put', times: 1, do: LOSE_REPLY }]);

  const written = await putBytes(store, 'k', X, ABSENT);

  expect(bySdk).toEqual(['PutObjectCommand', 'HeadObjectCommand']);
  expect(s3.commits()).toHaveLength(1);
  expect(written).toEqual(await store.head('k'));
});

test('S14: somebody else who wrote meanwhile is not taken for us', async () => {
  const other = { s3: undefined as Awaited<ReturnType<typeof serve>> | undefined };
  const before = () => other.s3 && putBytes(storeAt(other.s3.s3.endpoint).store, 'k', Buffer.from('other'), ANY);
  other.s3 = await serve([{ on: 'put', times: 1, do: { before, ...DROP } }]);

  await expect(putBytes(other.s3.store, 'k', X, ABSENT)).rejects.toMatchObject({ name: 'CommitConflict' });

  expect(other.s3.s3.bytesOf('bucket', 'k')?.toString()).toBe('other');
});

test.each([
  ['asks for less', refuse('SlowDown')],
  ['breaks off', DROP],
])('a server that %s sees the SDK alone for some seconds, jittered, and then the short way again', async (_, fault) => {
  let now = 1_000_000;
  const clock = { now: () => now, random: () => 0.5 };
  const { store, bySdk } = await serve([{ on: 'head', times: 1, do: fault }], clock);
  const sentBySdk = async () => {
    const before = bySdk.length;
    await store.head('k');
    return bySdk.length > before;
  };

  expect(await sentBySdk()).toBe(true);
  now += 7_499;
  expect(await sentBySdk()).toBe(true);
  now += 1;
  expect(await sentBySdk()).toBe(false);
});

test('a large body, and whoever may try only once, goes the way of the SDK', async () => {
  const { store, bySdk } = await serve();
  await putBytes(store, 'small', Buffer.alloc(256 * 1024), ABSENT);
  expect(bySdk).toEqual([]);
  await putBytes(store, 'large', Buffer.alloc(256 * 1024 + 1), ABSENT);
  expect(bySdk).toEqual(['PutObjectCommand']);

  const once = await serve([], { maxAttempts: 1 });
  await once.store.head('k');
  expect(once.bySdk).toEqual(['HeadObjectCommand']);
});

test('over plain HTTP the body is signed, over TLS the CRC32 alone goes along, to whom this process trusts', async () => {
  const tls = makeCertificate();
  const [plain, encrypted, unknown] = [await listen(), await listen(tls), await listen(makeCertificate())];
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, tls.cert]);
  onTestFinished(() => setDefaultCACertificates(before));

  for (const { endpoint, seen } of [plain, encrypted]) {
    const { store, bySdk } = storeAt(endpoint);
    await putBytes(store, 'k', X, ANY);
    expect(bySdk).toEqual([]);
    expect(seen[0]?.headers['x-amz-checksum-crc32']).toBe('jNwWgw==');
  }
  expect(plain.seen[0]?.headers['x-amz-content-sha256']).toMatch(/^2d711642b726b044/);
  expect(encrypted.seen[0]?.headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD');
  const { store } = storeAt(unknown.endpoint, { maxAttempts: 2 });
  await expect(putBytes(store, 'k', X, ANY)).rejects.toMatchObject({ name: 'StoreFailed' });
  expect(unknown.seen).toEqual([]);
});

test('requests one after another go over connections that are kept, and end with the store', async () => {
  const { seen, server, endpoint } = await listen();
  const { store } = storeAt(endpoint);
  const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));

  for (let sent = 0; sent < 3; sent += 1) {
    await store.head('k');
    await putBytes(store, 'k', X, ANY);
  }
  expect(seen).toHaveLength(6);
  // undici takes a second one where the first is not yet done with its answer.
  expect(new Set(seen.map(({ socket }) => socket)).size).toBeLessThanOrEqual(2);

  await store.close();
  for (let tries = 0; tries < 100 && (await connections()) > 0; tries += 1) await sleep(10);
  expect(await connections()).toBe(0);
});

test('a session token goes along, and a clock that the SDK has set right is right here, too', async () => {
  const HOUR_MS = 3_600_000;
  const seen: IncomingMessage['headers'][] = [];
  const { endpoint } = await listen(undefined, (request, response) => {
    seen.push(request.headers);
    const isLate = seen.length > 2;
    response.setHeader('date', new Date(Date.now() + HOUR_MS).toUTCString());
    request.resume().on('end', () => {
      if (isLate) return response.setHeader('etag', '"1"').end();
      response.statusCode = 403;
      return response.end('<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>');
    });
  });
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'session' };
  const { store, bySdk } = storeAt(endpoint, { credentials });

  await putBytes(store, 'k', X, ANY);
  await putBytes(store, 'k', X, ANY);

  const signedAt = String(seen[3]?.['x-amz-date']).replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:');
  expect(bySdk).toEqual(['PutObjectCommand', 'PutObjectCommand']);
  expect(seen).toHaveLength(4);
  expect(seen[3]?.['x-amz-security-token']).toBe('session');
  expect(Date.parse(signedAt) - Date.now()).toBeGreaterThan(HOUR_MS / 2);
});
