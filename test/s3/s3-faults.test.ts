import { expect, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { ABSENT, begin, behindFaults, withoutEtag } from '../support/store-behind-faults.ts';
import { keysOf, putBytes, readAll, sendPart, streamBytes } from '../support/store-bytes.ts';
import type { Fault } from '../support/store-faults.ts';

const bucket = 'store-faults';
const faults = behindFaults(bucket);
const { open, spoil, count } = faults;
const SLOW_DOWN: Fault = { before: { status: 503, code: 'SlowDown' } };
const INTERNAL: Fault = { before: { status: 500, code: 'InternalError' } };

test('S02: a burst of SlowDown is waited out', async () => {
  const store = open();
  spoil('put', SLOW_DOWN, SLOW_DOWN);

  await putBytes(store, 'k', Buffer.from('x'), ABSENT);

  expect(count('put')).toBe(3);
});

test('S02: SlowDown without end is StoreThrottled', async () => {
  const store = open({ maxAttempts: 2 });
  spoil('put', SLOW_DOWN, SLOW_DOWN, SLOW_DOWN);

  await expect(putBytes(store, 'k', Buffer.from('x'), ABSENT)).rejects.toMatchObject({ name: 'StoreThrottled' });
});

test('S03: InternalError is tried again on every call of an upload', async () => {
  const store = open();
  for (const operation of ['create', 'part', 'complete'] as const) spoil(operation, INTERNAL);

  const { complete, whole } = await begin(store);
  await complete();

  expect((await readAll((await store.get('k'))?.body)).equals(whole)).toBe(true);
});

test('S05: a part whose connection is reset is sent again from memory', async () => {
  const store = open();
  spoil('part', { before: 'reset' }, { after: 'reset' });

  const { complete, whole } = await begin(store);
  await complete();

  expect((await readAll((await store.get('k'))?.body)).equals(whole)).toBe(true);
});

test('S06: a request without an answer ends as StoreUnavailable', async () => {
  const store = open({ maxAttempts: 2, requestTimeoutMs: 300 });
  spoil('head', { before: 'hang' }, { before: 'hang' }, { before: 'hang' });

  await expect(store.head('k')).rejects.toMatchObject({ name: 'StoreUnavailable' });
});

test('S07: a part answered without ETag is sent again', async () => {
  const store = open();
  spoil('part', { after: withoutEtag }, { after: withoutEtag });

  const { complete, whole } = await begin(store);
  await complete();

  expect((await readAll((await store.get('k'))?.body)).equals(whole)).toBe(true);
});

test('S07: a put answered without ETag is known again by its token', async () => {
  const store = open();
  spoil('put', { after: withoutEtag });

  const put = await putBytes(store, 'k', Buffer.from('x'), ABSENT, { metadata: { line: '1' } });

  expect(put).toEqual(await store.head('k'));
  expect(put.metadata).toEqual({ line: '1' });
});

test('S07: a put without condition answered without ETag is StoreUnavailable', async () => {
  const store = open();
  spoil('put', { after: withoutEtag });

  await expect(putBytes(store, 'k', Buffer.from('x'), { kind: 'any' })).rejects.toMatchObject({
    name: 'StoreUnavailable',
  });
});

test('S08: BadDigest is tried once more, then ChecksumRefused', async () => {
  const store = open();
  const bad: Fault = { before: { status: 400, code: 'BadDigest' } };
  const upload = await store.createUpload('k', {});
  const bytes = Buffer.from('bytes');

  spoil('part', bad);
  await store.uploadPart(upload, 1, bytes, crc32(bytes));
  spoil('part', bad, bad);
  await expect(store.uploadPart(upload, 1, bytes, crc32(bytes))).rejects.toMatchObject({ name: 'ChecksumRefused' });
});

test('S16: an abort is repeated until no part is left', async () => {
  const store = open();
  const { upload } = await begin(store);
  // The first one answers as if it had worked and leaves the parts.
  spoil('abort', { before: { status: 204, code: '' } });

  await store.abortUpload(upload);

  expect(count('abort')).toBe(2);
  expect(await keysOf(store.listUploads(''))).toEqual([]);
});

test('S20: no access and no bucket are matters of the run', async () => {
  const store = open();
  // The short way takes no such answer: the SDK asks again.
  const denied: Fault = { before: { status: 403, code: 'AccessDenied' } };
  spoil('put', denied, denied);
  await expect(putBytes(store, 'k', Buffer.from('x'), ABSENT)).rejects.toMatchObject({ name: 'StoreDenied' });

  const nowhere = open({}, { bucket: 'no-such-bucket' });
  await expect(putBytes(nowhere, 'k', Buffer.from('x'), ABSENT)).rejects.toMatchObject({ name: 'StoreMissing' });
});

test('a store counts what S3 bills, and ends the sockets of a shared client with the last store', async () => {
  const client = faults.client();
  const [one, other] = ['counted/a/', 'counted/b/'].map((prefix) => openS3Store({ client, bucket, prefix }));
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

test('S01: an upload whose beginning was not answered is found in the listing and ended', async () => {
  const store = open();
  spoil('create', { after: 'reset' });

  const { complete } = await begin(store);
  await complete();

  const orphans = [];
  for await (const upload of store.listUploads('')) orphans.push(upload);
  expect(orphans.map(({ key }) => key)).toEqual(['k']);
  for (const orphan of orphans) await store.abortUpload(orphan);
  expect(await keysOf(store.listUploads(''))).toEqual([]);
});

test('S22: a HEAD answered 403 is no missing object: StoreDenied, with the permission that it takes', async () => {
  const store = open();
  const denied: Fault = { before: { status: 403, code: '' } };
  spoil('head', denied, denied);

  await expect(store.head('k')).rejects.toMatchObject({
    name: 'StoreDenied',
    message: expect.stringContaining('s3:ListBucket'),
  });
});

test('S19: a part of an upload that S3 ended is UploadLost, streamed or from memory', async () => {
  const store = open();
  const { upload, pieces } = await begin(store);
  const lost: Fault = { before: { status: 404, code: 'NoSuchUpload' } };
  spoil('part', lost, lost);

  await expect(sendPart(store, upload, 2, pieces)).rejects.toMatchObject({ name: 'UploadLost', retryable: true });
  await expect(streamBytes(store, upload, 2, Buffer.alloc(1_000))).rejects.toMatchObject({ name: 'UploadLost' });
});

test('S05, S08: a streamed part that breaks or is refused leaves the earlier one, and comes again', async () => {
  const store = open();
  const { upload, parts, complete, whole } = await begin(store);
  spoil('part', { before: 'reset' }, { before: { status: 400, code: 'BadDigest' } });
  const last = whole.subarray(store.limits.minPartBytes);

  await expect(streamBytes(store, upload, 2, last)).rejects.toMatchObject({ name: 'StoreUnavailable' });
  await expect(streamBytes(store, upload, 2, last)).rejects.toMatchObject({ name: 'ChecksumRefused' });
  expect(await store.listParts(upload)).toEqual(parts);
  expect(await streamBytes(store, upload, 2, last)).toEqual(parts[1]);

  await complete();
  expect((await readAll((await store.get('k'))?.body)).equals(whole)).toBe(true);
});

async function* bytesOf(mebibytes: number) {
  for (let index = 0; index < mebibytes; index += 1) yield Buffer.alloc(1024 * 1024);
}
