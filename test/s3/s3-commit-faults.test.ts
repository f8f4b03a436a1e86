import { CompleteMultipartUploadCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { crc32, crc32Base64 } from '../../lib/store/crc32.ts';
import { openS3Store } from '../../lib/store/s3-store.ts';
import { ABSENT, begin, behindFaults } from '../support/store-behind-faults.ts';
import { commitOf, cut, matching, putBytes, readAll, sendPart } from '../support/store-bytes.ts';
import { asCheckpointed } from '../support/store-conformance-parts.ts';

const bucket = 'store-commit-faults';
const faults = behindFaults(bucket);
const { open, reopen, spoil } = faults;

test('S09: ETags that changed under the same bytes are taken from S3', async () => {
  const store = open();
  const pieces = cut(store, 2, 1_000);
  const upload = await store.createUpload('k', {});
  const parts = await Promise.all([1, 2].map((number) => sendPart(store, upload, number, pieces)));
  const outdated = parts.map((part) => ({ ...part, etag: '"00000000000000000000000000000000"' }));

  await store.completeUpload(upload, outdated, commitOf(pieces, ABSENT));

  expect((await readAll((await store.get('k'))?.body)).equals(Buffer.concat(pieces))).toBe(true);
});

test('S12: a completion answered 200 with an error in it is tried again', async () => {
  const store = open();
  spoil('complete', { before: { status: 200, code: 'InternalError' } });

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
  spoil('complete', {
    after: (answer) => ({ ...answer, headers: { 'content-type': 'text/xml' }, body: cutBody(answer.body) }),
  });

  const object = await complete();

  expect(object).toEqual(await store.head('k'));
  expect(object.metadata).toEqual({ line: '1' });
});

test('S13: an empty answer to a completion that did not happen is no success', async () => {
  const store = open({ maxAttempts: 1 });
  const { complete } = await begin(store);
  spoil('complete', { before: { status: 200, code: '' } });

  await expect(complete()).rejects.toMatchObject({ name: 'StoreUnavailable' });

  expect(await store.head('k')).toBeUndefined();
  await complete();
});

test('S14: a completion that was applied and whose answer was lost is no failure', async () => {
  const store = open();
  const { complete } = await begin(store);
  spoil('complete', { after: 'reset' });

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
  spoil('put', { after: 'reset' });

  const first = await putBytes(store, 'k', Buffer.from('one'), ABSENT);
  spoil('put', { after: 'reset' });
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
  spoil('complete', { before: { status: 409, code: 'ConditionalRequestConflict' } });

  await expect(complete()).rejects.toMatchObject({ name: 'CommitConflict' });
});

test('S19: an upload that S3 ended is UploadLost', async () => {
  const store = open();
  const { upload, complete } = await begin(store);
  await store.abortUpload(upload);

  await expect(complete()).rejects.toMatchObject({ name: 'UploadLost' });
});

test('S14: another process, which knows the upload from a checkpoint, resolves a lost answer as well', async () => {
  const store = open();
  const { upload, complete } = await begin(store);
  const other = reopen(store);
  spoil('complete', { after: 'reset' });

  const object = await complete(ABSENT, other, asCheckpointed(upload));

  expect(object).toEqual(await store.head('k'));
  expect(object.metadata).toEqual({ line: '1' });
  // So does one that only comes when it is done.
  expect(await complete(ABSENT, reopen(store), asCheckpointed(upload))).toEqual(object);
});

test('S13, S22: an unclear answer stays one where the object may not be looked at', async () => {
  const store = open({ maxAttempts: 1 });
  const { complete } = await begin(store);
  spoil('complete', { after: 'reset' });
  spoil('head', { before: { status: 403, code: '' } });

  await expect(complete()).rejects.toMatchObject({ name: 'StoreUnavailable' });

  expect(await complete()).toEqual(await store.head('k'));
});

test('S09: a part that holds other bytes than were sent is not adopted, and nothing is visible', async () => {
  const store = open();
  const { upload, complete } = await begin(store);
  await sendPart(store, upload, 2, [Buffer.alloc(0), Buffer.from('of a zombie')]);

  await expect(complete()).rejects.toMatchObject({ name: 'ChecksumRefused' });

  expect(await store.head('k')).toBeUndefined();
});

test.each([
  ['S09', 'InvalidPartOrder', 400],
  ['S09', 'EntityTooSmall', 400],
  ['S23', 'InvalidRequest', 400],
  ['S24', 'BadDigest', 400],
])('%s: a completion that S3 refuses as %s is ChecksumRefused', async (_, code, status) => {
  const store = open();
  const { complete } = await begin(store);
  spoil('complete', { before: { status, code } });

  await expect(complete()).rejects.toMatchObject({ name: 'ChecksumRefused' });

  expect(await store.head('k')).toBeUndefined();
});

test('S23, S24: S3 itself refuses a size or a CRC32 that is not the one of the parts', async () => {
  const store = open();
  const { upload, parts, complete } = await begin(store);
  const client = faults.client({ maxAttempts: 1 });
  const [, id] = store.uri.split(`s3://${bucket}/`);
  const [Bucket, Key, UploadId] = [bucket, `${id}/k`, upload.id.split('#')[0]];
  const Parts = parts.map(({ number, etag, crc32 }) => ({
    PartNumber: number,
    ETag: etag,
    ChecksumCRC32: crc32Base64(crc32),
  }));
  const send = (more: object) =>
    client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));

  // What our commits carry is seen on the wire below; that it counts, here.
  await expect(send({ MpuObjectSize: 7 })).rejects.toThrow();
  await expect(send({ ChecksumCRC32: 'AAAAAA==', ChecksumType: 'FULL_OBJECT' })).rejects.toThrow();
  client.destroy();

  expect(await store.head('k')).toBeUndefined();
  await complete();
});

test('S23, S24, S18: every completion carries size, full-object CRC32 and condition', async () => {
  const client = faults.client();
  const seen: Record<string, unknown>[] = [];
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const { request } = args;
        const isHttp = typeof request === 'object' && request !== null && 'headers' in request;
        if (commandName === 'CompleteMultipartUploadCommand' && isHttp) seen.push({ ...(request.headers ?? {}) });
        return next(args);
      },
    { step: 'finalizeRequest', name: 'look' },
  );
  const store = openS3Store({ client, bucket, prefix: 'headers/' });
  const first = await begin(store);
  const object = await first.complete();
  const second = await begin(store);
  await second.complete(matching(object.etag));
  await store.close();

  const common = {
    'x-amz-mp-object-size': String(first.whole.length),
    'x-amz-checksum-type': 'FULL_OBJECT',
    'x-amz-checksum-crc32': crc32Base64(crc32(first.whole)),
  };
  expect(seen).toEqual([
    expect.objectContaining({ ...common, 'if-none-match': '*' }),
    expect.objectContaining({ ...common, 'if-match': object.etag }),
  ]);
});

test('S18: an object that another one replaced or removed since is not written over', async () => {
  const store = open();
  const first = await putBytes(store, 'k', Buffer.from('first'), ABSENT);
  const { complete } = await begin(store);
  const theirs = await putBytes(store, 'k', Buffer.from('theirs'), matching(first.etag));

  await expect(complete(matching(first.etag))).rejects.toMatchObject({ name: 'CommitConflict' });
  expect(await store.head('k')).toEqual(theirs);

  await store.delete('k');
  await expect(complete(matching(first.etag))).rejects.toMatchObject({
    name: 'CommitConflict',
  });
  expect(await store.head('k')).toBeUndefined();
});
