import { once } from 'node:events';
import { createServer } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import { createS3Client } from '../../lib/store/s3-client.ts';
import { PartBody } from '../../lib/store/s3-part-body.ts';
import { openS3Store, type S3StoreOptions } from '../../lib/store/s3-store.ts';
import { type MemoryS3Options, startMemoryS3 } from '../support/memory-s3.ts';
import { makeCertificate } from '../support/origin-certificate.ts';
import { commitOf, randomBytes, reusing, sendPart, streamBytes } from '../support/store-bytes.ts';
import { HANG, refuse } from '../support/store-faults-rules.ts';

const UPLOAD = { key: 'k', id: 'nowhere#token' };

function openAt(endpoint: string, options: Partial<S3StoreOptions> = {}) {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials });
  const store = openS3Store({ client, bucket: 'bucket', prefix: '', ...options });
  onTestFinished(() => store.close());
  return store;
}

async function serve(options: MemoryS3Options = {}, storeOptions: Partial<S3StoreOptions> = {}) {
  const s3 = await startMemoryS3({ buckets: ['bucket'], minPartBytes: 1, ...options });
  onTestFinished(() => s3.close());
  return { s3, store: openAt(s3.endpoint, storeOptions) };
}

async function* silence(bytes: number) {
  yield randomBytes(bytes, 1);
  await new Promise(() => undefined);
}

test('over TLS, with a store slower than its sources and buffers used in turn, every byte arrives as it was', async () => {
  const tls = makeCertificate();
  const trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, tls.cert]);
  onTestFinished(() => setDefaultCACertificates(trusted));
  const { s3, store } = await serve({ tls, bytesPerSecond: 30_000_000 });

  const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
  const wholes = new Map(keys.map((key, index) => [key, randomBytes(2_500_000 + index, index)]));

  for (const atOnce of [keys.slice(0, 3), keys.slice(3)]) {
    await Promise.all(
      atOnce.map(async (key, index) => {
        const whole = wholes.get(key) ?? Buffer.alloc(0);
        const upload = await store.createUpload(key, {});
        const part = await store.streamPart(upload, 1, whole.length, reusing(whole, 20_000 + index));
        await store.completeUpload(upload, [part], commitOf([whole], { kind: 'absent' }));
      }),
    );
  }

  for (const [key, whole] of wholes) expect(s3.bytesOf('bucket', key)?.equals(whole)).toBe(true);
  expect(s3.count('part')).toBe(keys.length);
});

test('S04: a source that pauses is given up as IdleTimeout before S3 would do it, and no part is there', async () => {
  const { store } = await serve({}, { sourceIdleMs: 200 });
  const upload = await store.createUpload('k', {});

  await expect(store.streamPart(upload, 1, 100_000, silence(50_000))).rejects.toMatchObject({
    name: 'IdleTimeout',
    retryable: true,
  });

  expect(await store.listParts(upload)).toEqual([]);
});

test('S04: a source that drips is passed on in time, although it fills no buffer', async () => {
  const { store } = await serve({ idleTimeoutMs: 2_000 });
  const upload = await store.createUpload('k', {});
  const first = randomBytes(600_000, 1);
  async function* dripping() {
    yield first;
    for (let sent = 0; sent < 10; sent += 1) {
      yield Buffer.alloc(10, sent);
      await sleep(350);
    }
  }

  const part = await store.streamPart(upload, 1, first.length + 100, dripping());

  expect(await store.listParts(upload)).toEqual([part]);
});

test('S06: a store that takes no bytes is StoreUnavailable', async () => {
  const deaf = createServer((socket) => socket.pause());
  deaf.listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  onTestFinished(() => {
    deaf.close();
  });
  const address = deaf.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const store = openAt(`http://127.0.0.1:${address.port}`, { storeIdleMs: 300 });
  let pulled = 0;
  async function* endless() {
    for (;;) {
      pulled += 65_536;
      yield Buffer.alloc(65_536);
    }
  }

  await expect(store.streamPart(UPLOAD, 1, 1_000_000_000, endless())).rejects.toMatchObject({
    name: 'StoreUnavailable',
  });
  expect(pulled).toBeLessThan(100_000_000);
});

test('S06: a store that takes all bytes and never answers is StoreUnavailable', async () => {
  const { store } = await serve({ faults: [{ on: 'part', do: HANG }] }, { storeIdleMs: 300 });
  const upload = await store.createUpload('k', {});

  await expect(streamBytes(store, upload, 1, randomBytes(1_000, 1))).rejects.toMatchObject({
    name: 'StoreUnavailable',
  });
});

test('no more than three buffers are taken from a source ahead of the store', async () => {
  let pulled = 0;
  async function* endless() {
    for (;;) {
      pulled += 65_536;
      yield Buffer.alloc(65_536);
    }
  }
  const stuck = new Writable({ write: () => undefined });
  const body = new PartBody({ body: endless(), bytes: 1e9, what: 'k', stop: () => undefined }, {}, []);

  body.pipe(stuck);
  await sleep(50);
  const pulledAtFirst = pulled;
  await sleep(50);
  await body.end();

  expect(pulledAtFirst).toBeGreaterThan(512 * 1024);
  expect(pulled).toBe(pulledAtFirst);
  expect(pulled).toBeLessThanOrEqual(3 * 512 * 1024);
});

test('S02: a streamed part is never sent twice, because its bytes are gone', async () => {
  const { s3, store } = await serve({ faults: [{ on: 'part', times: 1, do: refuse('SlowDown') }] });
  const upload = await store.createUpload('k', {});

  await expect(streamBytes(store, upload, 1, randomBytes(1_000, 1))).rejects.toMatchObject({
    name: 'StoreThrottled',
    retryable: true,
  });

  expect(s3.count('part')).toBe(1);
  await streamBytes(store, upload, 1, randomBytes(1_000, 1));
});

test('S07, S08: a streamed part answered without ETag, or with another CRC32, is not taken for stored', async () => {
  const { store } = await serve({
    faults: [
      { on: 'part', nth: 1, do: { reply: (answer) => ({ ...answer, headers: {} }) } },
      {
        on: 'part',
        nth: 2,
        do: { reply: (answer) => ({ ...answer, headers: { ...answer.headers, 'x-amz-checksum-crc32': 'AAAAAA==' } }) },
      },
    ],
  });
  const upload = await store.createUpload('k', {});
  const bytes = randomBytes(1_000, 1);

  await expect(streamBytes(store, upload, 1, bytes)).rejects.toMatchObject({ name: 'StoreUnavailable' });
  await expect(streamBytes(store, upload, 1, bytes)).rejects.toMatchObject({ name: 'ChecksumRefused' });
});

test('S05: a streamed part whose connection breaks is StoreUnavailable, or UploadLost where that was why', async () => {
  const { store } = await serve({ faults: [{ on: 'part', do: { resetAfterBytes: 100_000 } }] });
  const bytes = randomBytes(3_000_000, 1);
  const upload = await store.createUpload('k', {});

  await expect(streamBytes(store, upload, 1, bytes)).rejects.toMatchObject({ name: 'StoreUnavailable' });
  await store.abortUpload(upload);
  await expect(streamBytes(store, upload, 1, bytes)).rejects.toMatchObject({ name: 'UploadLost' });
});

test('S17: more parts than S3 tells in one answer are listed, each once', async () => {
  const { s3, store } = await serve();
  const upload = await store.createUpload('k', {});
  const pieces = Array.from({ length: 2_001 }, (_, index) => Buffer.from(`part ${index}`));
  const numbers = pieces.map((_, index) => index + 1);
  while (numbers.length > 0) {
    await Promise.all(numbers.splice(0, 20).map((number) => sendPart(store, upload, number, pieces)));
  }

  const parts = await store.listParts(upload);

  expect(parts.map(({ number, crc32: crc }) => [number, crc])).toEqual(
    pieces.map((piece, index) => [index + 1, crc32(piece)]),
  );
  expect(s3.count('list-parts')).toBe(3);
});

test('S25: parts of which a store tells no CRC32 are not listed, and a list that never ends is no list', async () => {
  const withoutCrc = (body: Buffer) => Buffer.from(String(body).replace(/<ChecksumCRC32>.*?<\/ChecksumCRC32>/, ''));
  const endless = (body: Buffer) =>
    Buffer.from(
      String(body)
        .replace(/<IsTruncated>.*?</, '<IsTruncated>true<')
        .replace(/<Next.*?Marker>/, ''),
    );
  const { store } = await serve({
    faults: [
      { on: 'list-parts', nth: 1, do: { reply: (answer) => ({ ...answer, body: withoutCrc(answer.body) }) } },
      { on: 'list-parts', nth: 2, do: { reply: (answer) => ({ ...answer, body: endless(answer.body) }) } },
    ],
  });
  const upload = await store.createUpload('k', {});
  const pieces = [randomBytes(100, 1), randomBytes(100, 2)];
  for (const number of [1, 2]) await sendPart(store, upload, number, pieces);

  expect((await store.listParts(upload)).map(({ number }) => number)).toEqual([2]);
  await expect(store.listParts(upload)).rejects.toMatchObject({ name: 'StoreUnavailable' });
});
