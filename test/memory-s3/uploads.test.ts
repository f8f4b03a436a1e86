import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import { Bucket, begin, clientOf, LEAST, send, serve } from './fixture.ts';

const OBJECT = { Bucket, Key: 'k' };

describe('Complete', () => {
  test('joins the parts in order, with the metadata of Create and a full-object CRC32', async () => {
    const { s3, client } = await serve();
    const described = { ContentType: 'a/b', ContentEncoding: 'gzip', Metadata: { line: '7' } };
    const { complete, whole, crc } = await begin(client, [LEAST, LEAST + 7, 3], described);

    const answer = await complete(undefined, { ChecksumCRC32: crc, MpuObjectSize: whole.length });

    expect(answer).toMatchObject({
      ChecksumCRC32: crc,
      ChecksumType: 'FULL_OBJECT',
      ETag: expect.stringMatching(/-3"$/),
    });
    const head = await client.send(new HeadObjectCommand({ ...OBJECT, ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({ ...described, ContentLength: whole.length, ChecksumCRC32: crc, ETag: answer.ETag });
    expect(s3.bytesOf(Bucket, 'k')).toEqual(whole);
    expect(s3.objects()).toMatchObject([
      { key: 'k', bytes: whole.length, crc32: crc32(whole), metadata: { line: '7' } },
    ]);
    expect(s3.uploads()).toEqual([]);
    expect(s3.bytesStored()).toBe(whole.length);
  });

  test('in digest mode the CRC32 comes from the parts, and reads are refused', async () => {
    const { s3, client } = await serve({ mode: 'digest' });
    const { complete, whole, crc } = await begin(client, [LEAST, LEAST, 1]);

    await expect(complete(undefined, { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({ name: 'BadDigest' });
    await complete(undefined, { ChecksumCRC32: crc });

    expect(s3.objects()).toMatchObject([{ bytes: whole.length, crc32: crc32(whole) }]);
    expect(s3.bytesOf(Bucket, 'k')).toBeUndefined();
  });

  test('S23, S24: another size, CRC32 or checksum type than that of the parts is refused, and the upload stays', async () => {
    const { s3, client } = await serve();
    const { complete, whole } = await begin(client, [LEAST, 3]);

    await expect(complete(undefined, { MpuObjectSize: whole.length + 1 })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    await expect(complete(undefined, { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(complete(undefined, { ChecksumType: 'COMPOSITE' })).rejects.toMatchObject({ name: 'InvalidRequest' });

    expect(s3.objects()).toEqual([]);
    expect(s3.uploads()).toMatchObject([{ parts: 2, bytes: whole.length }]);
    await complete();
  });

  test('S09, S11: wrong order, gaps, parts never sent, other ETags, other CRC32s and short parts are refused', async () => {
    const { s3, client } = await serve();
    const { complete, Parts, pieces } = await begin(client, [LEAST, LEAST, LEAST - 1, 3]);
    const [one, two, three, four] = Parts;
    if (!one || !two || !three || !four || !pieces[0]) throw new Error('four parts');

    await expect(complete([two, one])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await expect(complete([one, one])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await expect(complete([one, three])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await expect(complete([two, three])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await expect(complete([...Parts, { ...four, PartNumber: 5 }])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(complete([one, { ...two, ETag: four.ETag }])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(complete([one, { ...two, ChecksumCRC32: four.ChecksumCRC32 }])).rejects.toMatchObject({
      name: 'InvalidPart',
    });
    await expect(complete(Parts)).rejects.toMatchObject({ name: 'EntityTooSmall' });
    await expect(complete([])).rejects.toMatchObject({ name: 'MalformedXML' });

    expect(s3.objects()).toEqual([]);
    await complete([one, two, three]);
    expect(s3.bytesOf(Bucket, 'k')).toEqual(Buffer.concat(pieces.slice(0, 3)));
  });

  test('without checksums, numbers may have gaps, but rise', async () => {
    const { client } = await serve();
    const plain = { ChecksumAlgorithm: undefined, ChecksumType: undefined };
    const { complete, Parts } = await begin(client, [LEAST, LEAST, 3], plain);

    await expect(complete(Parts.toReversed())).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await complete(Parts.filter(({ PartNumber }) => PartNumber !== 2));
  });

  test('S24: a composite checksum is one of checksums', async () => {
    const { client } = await serve();
    const { complete, Parts } = await begin(client, [LEAST, 3], { ChecksumType: 'COMPOSITE' });
    const bare = Parts.map(({ ChecksumCRC32: _, ...part }) => part);

    await expect(complete(bare)).rejects.toMatchObject({ name: 'InvalidRequest' });
    const { ChecksumCRC32 } = await complete();

    expect(ChecksumCRC32).toMatch(/^[A-Za-z0-9+/]{6}==-2$/);
  });

  test('S15: conditions are held against what stands there now', async () => {
    const { s3, client } = await serve();
    const { complete } = await begin(client, [LEAST]);

    await expect(complete(undefined, { IfMatch: '"x"' })).rejects.toMatchObject({ name: 'NoSuchKey' });
    const { ETag } = await client.send(new PutObjectCommand({ ...OBJECT, Body: 'first' }));
    await expect(complete(undefined, { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(complete(undefined, { IfMatch: '"x"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(String(s3.bytesOf(Bucket, 'k'))).toBe('first');

    await complete(undefined, { IfMatch: ETag });
    expect(s3.commits().map(({ bytes }) => bytes)).toEqual([5, LEAST]);
  });

  test.each([true, false])('S15: a change since Create is a 409 only when asked for (%s)', async (conflicts) => {
    const { client } = await serve({ conflicts });
    const { complete } = await begin(client, [LEAST]);
    await client.send(new PutObjectCommand({ ...OBJECT, Body: 'other' }));

    await expect(complete(undefined, { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: conflicts ? 'ConditionalRequestConflict' : 'PreconditionFailed',
    });
  });

  test('S14: the second time it answers as the first and does nothing', async () => {
    const { s3, client } = await serve();
    const { complete } = await begin(client, [LEAST]);
    const { $metadata: _, ...first } = await complete(undefined, { IfNoneMatch: '*' });
    await client.send(new DeleteObjectCommand(OBJECT));

    expect(await complete(undefined, { IfNoneMatch: '*' })).toMatchObject(first);
    expect(s3.objects()).toEqual([]);
  });

  test('S14: the second time it is NoSuchUpload where S3 forgets', async () => {
    const { client } = await serve({ forgetsCompleted: true });
    const { complete } = await begin(client, [LEAST]);
    await complete();

    await expect(complete()).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });
});

describe('parts', () => {
  test('numbers run from 1 to 10,000', async () => {
    const { client } = await serve();
    const { UploadId } = await begin(client, []);

    for (const number of [0, 10_001, -1]) {
      await expect(send(client, UploadId, number, Buffer.from('x'))).rejects.toMatchObject({ name: 'InvalidArgument' });
    }
    await send(client, UploadId, 10_000, Buffer.from('x'));
  });

  test('S08: other bytes than those of the CRC32 are BadDigest and leave the earlier part', async () => {
    const { s3, client } = await serve();
    const { UploadId, complete, whole } = await begin(client, [LEAST]);
    const part = { ...OBJECT, UploadId, PartNumber: 1 };

    const wrong = new UploadPartCommand({ ...part, Body: 'other', ChecksumCRC32: 'AAAAAA==' });
    await expect(client.send(wrong)).rejects.toMatchObject({ name: 'BadDigest' });
    const malformed = new UploadPartCommand({ ...part, Body: 'other', ChecksumCRC32: 'no' });
    await expect(client.send(malformed)).rejects.toMatchObject({ name: 'InvalidRequest' });

    await complete();
    expect(s3.bytesOf(Bucket, 'k')).toEqual(whole);
  });

  test('a part without a CRC32 is refused in an upload with checksums', async () => {
    const { client } = await serve();
    const { UploadId } = await begin(client, []);

    const bare = new UploadPartCommand({ ...OBJECT, UploadId, PartNumber: 1, Body: 'x' });
    await expect(client.send(bare)).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  test.each([true, false])('S09: the same bytes sent again have another ETag only under KMS (%s)', async (kms) => {
    const { client } = await serve({ kms });
    const { UploadId, Parts, pieces, complete } = await begin(client, [LEAST]);

    const again = await send(client, UploadId, 1, pieces[0] ?? Buffer.alloc(0));

    expect(again.ETag === Parts[0]?.ETag).toBe(!kms);
    if (kms) await expect(complete()).rejects.toMatchObject({ name: 'InvalidPart' });
    await complete([again]);
  });

  test('S17: are listed by number in pages, with a marker on the last page too', async () => {
    const { client } = await serve();
    const { UploadId, Parts } = await begin(client, [5, 6, 7]);
    const list = (input = {}) => client.send(new ListPartsCommand({ ...OBJECT, UploadId, ...input }));

    const first = await list({ MaxParts: 2 });
    const last = await list({ MaxParts: 2, PartNumberMarker: first.NextPartNumberMarker });

    expect(first).toMatchObject({
      IsTruncated: true,
      NextPartNumberMarker: '2',
      MaxParts: 2,
      ChecksumType: 'FULL_OBJECT',
    });
    expect(last).toMatchObject({ IsTruncated: false, NextPartNumberMarker: '3' });
    expect([...(first.Parts ?? []), ...(last.Parts ?? [])]).toMatchObject(
      Parts.map((part, index) => ({ ...part, Size: 5 + index })),
    );
  });

  test('S17: a page has at most 1,000', async () => {
    const { client } = await serve();
    const { UploadId } = await begin(client, Array(1_001).fill(1));

    const { Parts, IsTruncated } = await client.send(new ListPartsCommand({ ...OBJECT, UploadId, MaxParts: 5_000 }));

    expect([Parts?.length, IsTruncated]).toEqual([1_000, true]);
  });
});

test('S19: an aborted upload is gone for every call', async () => {
  const { s3, client } = await serve();
  const { UploadId, complete } = await begin(client, [LEAST]);

  await client.send(new AbortMultipartUploadCommand({ ...OBJECT, UploadId }));

  expect(s3.uploads()).toEqual([]);
  const gone = { name: 'NoSuchUpload' };
  await expect(send(client, UploadId, 1, Buffer.from('x'))).rejects.toMatchObject(gone);
  await expect(client.send(new ListPartsCommand({ ...OBJECT, UploadId }))).rejects.toMatchObject(gone);
  await expect(client.send(new AbortMultipartUploadCommand({ ...OBJECT, UploadId }))).rejects.toMatchObject(gone);
  await expect(complete()).rejects.toMatchObject(gone);
});

test('open uploads are listed in pages by key and age, with who began them', async () => {
  const { s3, client } = await serve();
  const other = clientOf(s3.endpoint, { credentials: { accessKeyId: 'another', secretAccessKey: 'x' } });
  const ids: (string | undefined)[] = [];
  for (const [by, Key] of [
    [client, 'a/2'],
    [client, 'a/1'],
    [other, 'a/2'],
    [client, 'b'],
  ] as const) {
    ids.push((await by.send(new CreateMultipartUploadCommand({ Bucket, Key }))).UploadId);
  }
  const list = (input = {}) =>
    client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'a/', MaxUploads: 2, ...input }));

  const first = await list();
  const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = first;
  const last = await list({ KeyMarker, UploadIdMarker });

  expect([first.IsTruncated, last.IsTruncated]).toEqual([true, false]);
  const uploads = [...(first.Uploads ?? []), ...(last.Uploads ?? [])];
  expect(uploads.map(({ Key }) => Key)).toEqual(['a/1', 'a/2', 'a/2']);
  expect(uploads.map(({ UploadId }) => UploadId)).toEqual([ids[1], ids[0], ids[2]]);
  expect(uploads.map(({ Initiator }) => Initiator?.ID?.split('/')[1])).toEqual(['test', 'test', 'another']);
  expect((await list({ KeyMarker: 'a/1' })).Uploads?.map(({ Key }) => Key)).toEqual(['a/2', 'a/2']);
});
