import { Agent } from 'node:https';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { crc32, crc32Base64 } from '../../lib/store/crc32.ts';
import { makeCertificate } from '../support/origin-certificate.ts';
import { randomBytes } from '../support/store-bytes.ts';
import { Bucket, putRaw, serve } from './fixture.ts';

const OBJECT = { Bucket, Key: 'k' };

test('a range is answered 206 with its place, one behind the end 416', async () => {
  const { client } = await serve();
  await client.send(new PutObjectCommand({ ...OBJECT, Body: '0123456789' }));
  const get = async (Range: string) => {
    const { Body, ContentRange } = await client.send(new GetObjectCommand({ ...OBJECT, Range }));
    return [await Body?.transformToString(), ContentRange];
  };

  expect(await get('bytes=2-4')).toEqual(['234', 'bytes 2-4/10']);
  expect(await get('bytes=8-99')).toEqual(['89', 'bytes 8-9/10']);
  expect(await get('bytes=7-')).toEqual(['789', 'bytes 7-9/10']);
  expect(await get('bytes=-2')).toEqual(['89', 'bytes 8-9/10']);
  await expect(get('bytes=10-')).rejects.toMatchObject({ name: 'InvalidRange' });
});

test('the CRC32 is shown when asked for, and only when the writer gave one', async () => {
  const { client } = await serve();
  const ChecksumCRC32 = crc32Base64(crc32(Buffer.from('x')));
  await client.send(new PutObjectCommand({ ...OBJECT, Body: 'x', ChecksumCRC32 }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'bare', Body: 'x' }));
  const head = (Key: string, ask = {}) => client.send(new HeadObjectCommand({ Bucket, Key, ...ask }));

  expect(await head('k', { ChecksumMode: 'ENABLED' })).toMatchObject({ ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
  expect((await head('k')).ChecksumCRC32).toBeUndefined();
  expect((await head('bare', { ChecksumMode: 'ENABLED' })).ChecksumCRC32).toBeUndefined();
});

test('S08, S15: a put with another CRC32 or a condition that does not hold changes nothing', async () => {
  const { s3, client } = await serve();
  const put = (input = {}) => client.send(new PutObjectCommand({ ...OBJECT, Body: 'x', ...input }));

  await expect(put({ IfMatch: '"x"' })).rejects.toMatchObject({ name: 'NoSuchKey' });
  await put({ IfNoneMatch: '*', Metadata: { n: '1' } });
  await expect(put({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await expect(put({ IfMatch: '"x"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await expect(put({ ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({ name: 'BadDigest' });

  expect(s3.commits()).toMatchObject([{ key: 'k', metadata: { n: '1' } }]);
});

test('what is not there is NoSuchKey, NoSuchBucket, or a bare 404 to HEAD', async () => {
  const { client } = await serve();

  await expect(client.send(new GetObjectCommand(OBJECT))).rejects.toMatchObject({ name: 'NoSuchKey' });
  await expect(client.send(new HeadObjectCommand(OBJECT))).rejects.toMatchObject({ name: 'NotFound' });
  await client.send(new DeleteObjectCommand(OBJECT));
  const elsewhere = { Bucket: 'elsewhere', Key: 'k' };
  await expect(client.send(new GetObjectCommand(elsewhere))).rejects.toMatchObject({ name: 'NoSuchBucket' });
  await expect(client.send(new HeadBucketCommand(elsewhere))).rejects.toMatchObject({ name: 'NotFound' });
  await client.send(new CreateBucketCommand(elsewhere));
  await client.send(new HeadBucketCommand(elsewhere));
});

test('S20: a bucket of another owner is AccessDenied', async () => {
  const { client } = await serve({ owner: '111111111111' });
  const put = (ExpectedBucketOwner: string) =>
    client.send(new PutObjectCommand({ ...OBJECT, Body: 'x', ExpectedBucketOwner }));

  await expect(put('222222222222')).rejects.toMatchObject({ name: 'AccessDenied' });
  await put('111111111111');
});

test('keys have at most 1,024 bytes of UTF-8, metadata 2 KB, and every key comes back as it was', async () => {
  const { s3, client } = await serve();
  const put = (Key: string, Metadata = {}) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Metadata }));
  const odd = ['a b/ü+&<">\r%2F', `${'é'.repeat(512)}`];

  for (const key of odd) await put(key);
  await expect(put(`${'é'.repeat(512)}x`)).rejects.toMatchObject({ name: 'KeyTooLongError' });
  await expect(put('m', { a: 'x'.repeat(2_048) })).rejects.toMatchObject({ name: 'MetadataTooLarge' });

  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
  expect(Contents?.map(({ Key }) => Key)).toEqual(odd);
  expect(s3.objects().map(({ key }) => key)).toEqual(odd);
});

test('a listing comes in pages, below its prefix', async () => {
  const { client } = await serve();
  for (const Key of ['a/3', 'a/1', 'b', 'a/2']) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  const list = (more = {}) => client.send(new ListObjectsV2Command({ Bucket, Prefix: 'a/', MaxKeys: 2, ...more }));

  const first = await list();
  const last = await list({ ContinuationToken: first.NextContinuationToken });

  expect([first, last].map((page) => page.Contents?.map(({ Key }) => Key))).toEqual([['a/1', 'a/2'], ['a/3']]);
  expect([first.IsTruncated, last.IsTruncated]).toEqual([true, false]);
});

test('in digest mode, only keys below digestUnder lose their bytes', async () => {
  const { s3, client } = await serve({ mode: 'digest', digestUnder: 'data/' });
  for (const Key of ['data/k', 'state/k']) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'xyz' }));

  await expect(client.send(new GetObjectCommand({ Bucket, Key: 'data/k' }))).rejects.toMatchObject({
    name: 'NotImplemented',
  });
  const kept = await client.send(new GetObjectCommand({ Bucket, Key: 'state/k' }));

  expect(await kept.Body?.transformToString()).toBe('xyz');
  expect(s3.objects().map(({ bytes }) => bytes)).toEqual([3, 3]);
});

test('over TLS it is the same', async () => {
  const tls = makeCertificate();
  const { s3, client } = await serve({ tls });
  const { credentials, region, forcePathStyle } = client.config;
  const requestHandler = { httpsAgent: new Agent({ ca: tls.cert }) };
  const trusting = new S3Client({ endpoint: s3.endpoint, credentials, region, forcePathStyle, requestHandler });

  await expect(client.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  });
  await trusting.send(new PutObjectCommand({ ...OBJECT, Body: 'x' }));
  trusting.destroy();

  expect(s3.bytesStored()).toBe(1);
});

test('a slow store reads no faster than it was told, all connections together', async () => {
  const { s3, client } = await serve({ bytesPerSecond: 2_000_000 });
  const started = performance.now();

  await Promise.all(
    ['a', 'b'].map((Key) => client.send(new PutObjectCommand({ Bucket, Key, Body: randomBytes(500_000, 1) }))),
  );

  // A lower bound holds on any machine, but for the last pieces, behind which nothing waits.
  expect(performance.now() - started).toBeGreaterThan(300);
  expect(s3.bytesStored()).toBe(1_000_000);
});

test('S04: a body that rests is RequestTimeout', async () => {
  const { s3 } = await serve({ idleTimeoutMs: 100 });

  const answer = await putRaw(`${s3.endpoint}/${Bucket}/k`, { 'content-length': 10, 'x-test-open': '1' }, ['half']);

  expect(answer).toEqual({ status: 400, code: 'RequestTimeout' });
  expect(s3.objects()).toEqual([]);
});

test('S04: a body over 5 GiB is refused before it comes', async () => {
  const { s3 } = await serve();
  const headers = { 'content-length': 5 * 1024 ** 3 + 1, 'x-test-open': '1' };

  expect(await putRaw(`${s3.endpoint}/${Bucket}/k`, headers, ['x'])).toEqual({ status: 400, code: 'EntityTooLarge' });
});
