import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import type { Condition, ObjectStore } from '../../lib/store/object-store.ts';
import { createS3Client, type S3ClientOptions } from '../../lib/store/s3-client.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { commitOf, cut, keysOf, matching, putBytes, readAll, sendPart } from '../support/store-bytes.ts';
import { type Fault, type FaultyS3, startFaultyS3 } from '../support/store-faults.ts';

const bucket = 'store-faults';
const ABSENT: Condition = { kind: 'absent' };
const SLOW_DOWN: Fault = { before: { status: 503, code: 'SlowDown' } };
const INTERNAL: Fault = { before: { status: 500, code: 'InternalError' } };

let s3: FaultyS3;
let places = 0;

beforeAll(async () => {
  const client = createS3Client(options(inject('s3Endpoint')));
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
});
beforeEach(async () => {
  s3 = await startFaultyS3(inject('s3Endpoint'));
  return () => s3.stop();
});
const opened: ObjectStore[] = [];
afterAll(() => Promise.all(opened.map((store) => store.close())));

function options(endpoint: string, more: S3ClientOptions = {}): S3ClientOptions {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, ...more };
}

/** A store in an empty place, behind the faulty proxy. */
function open(more: S3ClientOptions = {}): ObjectStore {
  places += 1;
  const store = openS3Store({ client: createS3Client(options(s3.endpoint, more)), bucket, prefix: `${places}/` });
  opened.push(store);
  return store;
}

function count(operation: string): number {
  return s3.seen.filter((name) => name === operation).length;
}

async function begin(store: ObjectStore, key = 'k') {
  const pieces = cut(store, 2, 1_000);
  const upload = await store.createUpload(key, { metadata: { line: '1' } });
  const parts = await Promise.all([1, 2].map((number) => sendPart(store, upload, number, pieces)));
  const complete = (condition = ABSENT) => store.completeUpload(upload, parts, commitOf(pieces, condition));
  return { upload, pieces, complete, whole: Buffer.concat(pieces) };
}

test('S02: a burst of SlowDown is waited out', async () => {
  const store = open();
  s3.spoil('put', SLOW_DOWN, SLOW_DOWN);

  await putBytes(store, 'k', Buffer.from('x'), ABSENT);

  expect(count('put')).toBe(3);
});

test('S02: SlowDown without end is StoreThrottled', async () => {
  const store = open({ maxAttempts: 2 });
  s3.spoil('put', SLOW_DOWN, SLOW_DOWN);

  await expect(putBytes(store, 'k', Buffer.from('x'), ABSENT)).rejects.toMatchObject({ name: 'StoreThrottled' });
});

test('S03: InternalError is tried again on every call of an upload', async () => {
  const store = open();
  for (const operation of ['create', 'part', 'complete'] as const) s3.spoil(operation, INTERNAL);

  const { complete, whole } = await begin(store);
  await complete();

  expect(await readAll((await store.get('k'))?.body)).toEqual(whole);
});

test('S05: a part whose connection is reset is sent again from memory', async () => {
  const store = open();
  s3.spoil('part', { before: 'reset' }, { after: 'reset' });

  const { complete, whole } = await begin(store);
  await complete();

  expect(await readAll((await store.get('k'))?.body)).toEqual(whole);
});

test('S06: a request without an answer ends as StoreUnavailable', async () => {
  const store = open({ maxAttempts: 2, requestTimeoutMs: 300 });
  s3.spoil('head', { before: 'hang' }, { before: 'hang' });

  await expect(store.head('k')).rejects.toMatchObject({ name: 'StoreUnavailable' });
});

test('S07: a part answered without ETag is sent again', async () => {
  const store = open();
  s3.spoil('part', { after: withoutEtag }, { after: withoutEtag });

  const { complete, whole } = await begin(store);
  await complete();

  expect(await readAll((await store.get('k'))?.body)).toEqual(whole);
});

test('S07: a put answered without ETag is known again by its token', async () => {
  const store = open();
  s3.spoil('put', { after: withoutEtag });

  const put = await putBytes(store, 'k', Buffer.from('x'), ABSENT, { metadata: { line: '1' } });

  expect(put).toEqual(await store.head('k'));
  expect(put.metadata).toEqual({ line: '1' });
});

test('S07: a put without condition answered without ETag is StoreUnavailable', async () => {
  const store = open();
  s3.spoil('put', { after: withoutEtag });

  await expect(putBytes(store, 'k', Buffer.from('x'), { kind: 'any' })).rejects.toMatchObject({
    name: 'StoreUnavailable',
  });
});

test('S08: BadDigest is tried once more, then ChecksumRefused', async () => {
  const store = open();
  const bad: Fault = { before: { status: 400, code: 'BadDigest' } };
  const upload = await store.createUpload('k', {});
  const bytes = Buffer.from('bytes');

  s3.spoil('part', bad);
  await store.uploadPart(upload, 1, bytes, crc32(bytes));
  s3.spoil('part', bad, bad);
  await expect(store.uploadPart(upload, 1, bytes, crc32(bytes))).rejects.toMatchObject({ name: 'ChecksumRefused' });
});

test('S09: ETags that changed under the same bytes are taken from S3', async () => {
  const store = open();
  const pieces = cut(store, 2, 1_000);
  const upload = await store.createUpload('k', {});
  const parts = await Promise.all([1, 2].map((number) => sendPart(store, upload, number, pieces)));
  const outdated = parts.map((part) => ({ ...part, etag: '"00000000000000000000000000000000"' }));

  await store.completeUpload(upload, outdated, commitOf(pieces, ABSENT));

  expect(await readAll((await store.get('k'))?.body)).toEqual(Buffer.concat(pieces));
});

test('S12: a completion answered 200 with an error in it is tried again', async () => {
  const store = open();
  s3.spoil('complete', { before: { status: 200, code: 'InternalError' } });

  const { complete } = await begin(store);
  const object = await complete();

  expect(object).toEqual(await store.head('k'));
});

test.each([
  ['empty', (body: Buffer) => body.subarray(0, 0)],
  ['cut short', (body: Buffer) => body.subarray(0, body.length / 2)],
  ['cut before its ETag', (body: Buffer) => body.subarray(0, body.indexOf('<ETag>'))],
])('S13: a completion whose answer is %s is resolved by looking at the object', async (_, cutBody) => {
  const store = open();
  const { complete } = await begin(store);
  s3.spoil('complete', {
    after: (answer) => ({ ...answer, headers: { 'content-type': 'text/xml' }, body: cutBody(answer.body) }),
  });

  const object = await complete();

  expect(object).toEqual(await store.head('k'));
  expect(object.metadata).toEqual({ line: '1' });
});

test('S13: an empty answer to a completion that did not happen is no success', async () => {
  const store = open({ maxAttempts: 1 });
  const { complete } = await begin(store);
  s3.spoil('complete', { before: { status: 200, code: '' } });

  await expect(complete()).rejects.toMatchObject({ name: 'StoreUnavailable' });

  expect(await store.head('k')).toBeUndefined();
  await complete();
});

test('S14: a completion that was applied and whose answer was lost is no failure', async () => {
  const store = open();
  const { complete } = await begin(store);
  s3.spoil('complete', { after: 'reset' });

  const object = await complete();

  expect(object).toEqual(await store.head('k'));
});

test('S14: an upload completed twice by its owner is the same success, by another process too', async () => {
  const store = open();
  const { complete } = await begin(store);

  const first = await complete();

  expect(await complete()).toEqual(first);
});

test('S14: a put that was applied and whose answer was lost is no conflict with itself', async () => {
  const store = open();
  s3.spoil('put', { after: 'reset' });

  const first = await putBytes(store, 'k', Buffer.from('one'), ABSENT);
  s3.spoil('put', { after: 'reset' });
  const second = await putBytes(store, 'k', Buffer.from('two'), matching(first.etag));

  expect(second).toEqual(await store.head('k'));
});

test('S15: the same bytes written by somebody else are a conflict, not ours', async () => {
  const store = open();
  const { complete, whole } = await begin(store);
  await putBytes(store, 'k', whole, ABSENT, { metadata: { line: '1' } });

  await expect(complete()).rejects.toMatchObject({ name: 'CommitConflict' });
});

test('S15: ConditionalRequestConflict is a conflict', async () => {
  const store = open();
  const { complete } = await begin(store);
  s3.spoil('complete', { before: { status: 409, code: 'ConditionalRequestConflict' } });

  await expect(complete()).rejects.toMatchObject({ name: 'CommitConflict' });
});

test('S16: an abort is repeated until no part is left', async () => {
  const store = open();
  const { upload } = await begin(store);
  // The first one answers as if it had worked and leaves the parts.
  s3.spoil('abort', { before: { status: 204, code: '' } });

  await store.abortUpload(upload);

  expect(count('abort')).toBe(2);
  expect(await keysOf(store.listUploads(''))).toEqual([]);
});

test('S19: an upload that S3 ended is UploadLost', async () => {
  const store = open();
  const { upload, complete } = await begin(store);
  await store.abortUpload(upload);

  await expect(complete()).rejects.toMatchObject({ name: 'UploadLost' });
});

test('S20: no access and no bucket are matters of the run', async () => {
  const store = open();
  s3.spoil('put', { before: { status: 403, code: 'AccessDenied' } });
  await expect(putBytes(store, 'k', Buffer.from('x'), ABSENT)).rejects.toMatchObject({ name: 'StoreDenied' });

  const client = createS3Client(options(s3.endpoint));
  const nowhere = openS3Store({ client, bucket: 'no-such-bucket', prefix: '' });
  opened.push(nowhere);
  await expect(putBytes(nowhere, 'k', Buffer.from('x'), ABSENT)).rejects.toMatchObject({ name: 'StoreMissing' });
});

test('a store counts what S3 bills, and ends the sockets of a shared client with the last store', async () => {
  places += 1;
  const client = createS3Client(options(s3.endpoint));
  const [one, other] = [`${places}/a/`, `${places}/b/`].map((prefix) => openS3Store({ client, bucket, prefix }));
  if (one === undefined || other === undefined) throw new Error('two stores');

  await putBytes(one, 'k', Buffer.from('x'), ABSENT);
  await one.head('k');
  await one.putStream('long', bytesOf(17), { condition: ABSENT });
  await one.close();
  await one.close();
  await putBytes(other, 'k', Buffer.from('x'), ABSENT);
  await other.close();

  // The put; create, three parts and complete of the stream.
  expect(one.requests).toEqual({ put: 1 + 5, get: 1 });
  expect(other.requests).toEqual({ put: 1, get: 0 });
});

async function* bytesOf(mebibytes: number) {
  for (let index = 0; index < mebibytes; index += 1) yield Buffer.alloc(1024 * 1024);
}

function withoutEtag<T extends { headers: Record<string, unknown> }>(answer: T): T {
  const { etag: _, ...headers } = answer.headers;
  return { ...answer, headers };
}
