import { Readable } from 'node:stream';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32, crc32Base64 } from '../../lib/store/crc32.ts';
import { ChunkedReader } from '../support/memory-s3-chunked.ts';
import { randomBytes } from '../support/store-bytes.ts';
import { Bucket, putRaw, serve } from './fixture.ts';

const CRC = 'x-amz-checksum-crc32';
const big = randomBytes(10_000, 1);
const UNSIGNED = { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'x-amz-trailer': CRC };

function chunk(bytes: Buffer, extension = ''): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`), bytes, Buffer.from('\r\n')]);
}

function crcOf(bytes: Buffer): string {
  return crc32Base64(crc32(bytes));
}

test('chunks and trailers are read whatever pieces they come in', () => {
  const wire = Buffer.concat([
    chunk(big),
    chunk(big, ';chunk-signature=ab'),
    Buffer.from('0\r\nA-b: c:d\r\ne:f\r\n\r\n'),
  ]);
  const cuts = fc.array(fc.nat(wire.length), { maxLength: 12 });
  fc.assert(
    fc.property(cuts, (places) => {
      const pieces: Buffer[] = [];
      const reader = new ChunkedReader((piece) => pieces.push(Buffer.from(piece)));
      const edges = [0, ...places.toSorted((one, other) => one - other), wire.length];
      for (const [index, edge] of edges.slice(1).entries()) reader.write(wire.subarray(edges[index], edge));
      reader.end();
      expect(Buffer.concat(pieces)).toEqual(Buffer.concat([big, big]));
      expect([...reader.trailers]).toEqual([
        ['a-b', 'c:d'],
        ['e', 'f'],
      ]);
    }),
  );
});

test('a body that ends anywhere before its end is incomplete', () => {
  const wire = Buffer.concat([chunk(Buffer.from('abc')), Buffer.from('0\r\na:b\r\n\r\n')]);
  for (let length = 0; length < wire.length; length += 1) {
    const reader = new ChunkedReader(() => undefined);
    reader.write(wire.subarray(0, length));
    expect(() => reader.end(), `${length}`).toThrow(expect.objectContaining({ code: 'IncompleteBody' }));
  }
});

test.each([
  ['unsigned', UNSIGNED, ''],
  [
    'signed',
    { ...UNSIGNED, 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER' },
    ';chunk-signature=00ff',
  ],
])('a streamed body, %s, is stored without its framing', async (_, headers, extension) => {
  const { s3 } = await serve();
  const put = (crc: string) =>
    putRaw(
      `${s3.endpoint}/${Bucket}/k`,
      { ...headers, 'content-encoding': 'gzip,aws-chunked', 'x-amz-decoded-content-length': big.length + 3 },
      [chunk(big, extension), chunk(Buffer.from('end'), extension), `0${extension}\r\n${CRC}:${crc}\r\n\r\n`],
    );

  expect(await put(crcOf(big))).toEqual({ status: 400, code: 'BadDigest' });
  expect(s3.objects()).toEqual([]);
  expect(await put(crcOf(Buffer.concat([big, Buffer.from('end')])))).toEqual({ status: 200 });
  expect(s3.bytesOf(Bucket, 'k')).toEqual(Buffer.concat([big, Buffer.from('end')]));
  expect(s3.objects()).toMatchObject([{ contentEncoding: 'gzip' }]);
});

test.each([
  ['another length than announced', 'IncompleteBody', [chunk(big), chunk(big), `0\r\n${CRC}:${crcOf(big)}\r\n\r\n`]],
  ['no trailer', 'MalformedTrailerError', [chunk(big), '0\r\n\r\n']],
  ['no end', 'IncompleteBody', [chunk(big), '0\r\n']],
  ['a chunk longer than its size', 'IncompleteBody', ['2\r\nabc\r\n']],
  ['a chunk without a size', 'IncompleteBody', ['xyz\r\n']],
  ['a small chunk in the middle', 'InvalidChunkSizeError', [chunk(Buffer.from('x')), chunk(big)]],
])('a streamed body with %s is refused', async (_, code, pieces) => {
  const { s3 } = await serve();

  const headers = { ...UNSIGNED, 'x-amz-decoded-content-length': big.length };
  expect(await putRaw(`${s3.endpoint}/${Bucket}/k`, headers, pieces)).toMatchObject({ code });

  expect(s3.objects()).toEqual([]);
});

test('the streams of the SDK itself are understood', async () => {
  const { s3 } = await serve();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
    requestStreamBufferSize: 65_536,
  });
  const bytes = randomBytes(300_000, 3);
  const pieces = Array.from({ length: 30 }, (_, index) => bytes.subarray(index * 10_000, (index + 1) * 10_000));

  const Body = Readable.from(pieces, { objectMode: false });
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body, ContentLength: bytes.length }));
  client.destroy();

  expect(s3.bytesOf(Bucket, 'k')).toEqual(bytes);
});

test('what it cannot check it refuses', async () => {
  const { s3 } = await serve();
  const url = `${s3.endpoint}/${Bucket}/k`;

  for (const header of ['x-amz-checksum-sha256', 'content-md5', 'transfer-encoding']) {
    expect(await putRaw(url, { [header]: 'chunked' }, ['x'])).toEqual({ status: 501, code: 'NotImplemented' });
  }
  expect(s3.objects()).toEqual([]);
});
