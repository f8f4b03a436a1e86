import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkedEncoder, chunkedHeaders, chunkedLength } from '../../lib/store/aws-chunked.ts';
import { crc32, crc32Base64 } from '../../lib/store/crc32.ts';
import { ChunkedReader } from '../support/memory-s3-chunked.ts';
import { randomBytes } from '../support/store-bytes.ts';

/** Everything that is written comes in these pieces, of which every `flushEvery`th is followed by a flush. */
function encode(bytes: Buffer, pieceBytes: number, memoryBytes: number, flushEvery: number) {
  const sent: Buffer[] = [];
  let inUse = 0;
  const encoder = new ChunkedEncoder(bytes.length, {
    allocate: () => {
      inUse += 1;
      return Buffer.alloc(memoryBytes);
    },
    emit: (piece, usedUp) => {
      sent.push(Buffer.from(piece));
      // As a pool does: whatever is still to be sent must not lie in here.
      usedUp?.fill(0xdd);
      if (usedUp !== undefined) inUse -= 1;
    },
  });
  for (let taken = 0, count = 1; taken < bytes.length; taken += pieceBytes, count += 1) {
    encoder.write(bytes.subarray(taken, taken + pieceBytes));
    if (count % flushEvery === 0) encoder.flush();
  }
  encoder.end(crc32(bytes));
  return { wire: Buffer.concat(sent), inUse };
}

test('whatever the sizes, a reader finds the same bytes and their CRC32, and the length is what was announced', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(300), fc.nat(200_000), fc.constantFrom(65_535, 65_536, 65_537, 131_072)),
      fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1_000, max: 200_000 })),
      fc.oneof(fc.integer({ min: 128, max: 300 }), fc.integer({ min: 1_000, max: 100_000 })),
      fc.integer({ min: 1, max: 10 }),
      (length, pieceBytes, memoryBytes, flushEvery) => {
        const bytes = randomBytes(length, length);

        const { wire, inUse } = encode(bytes, pieceBytes, memoryBytes, flushEvery);

        const found: Buffer[] = [];
        const reader = new ChunkedReader((piece) => found.push(Buffer.from(piece)));
        reader.write(wire);
        reader.end();
        expect(Buffer.concat(found).equals(bytes)).toBe(true);
        expect(reader.trailers.get('x-amz-checksum-crc32')).toBe(crc32Base64(crc32(bytes)));
        expect(wire.length).toBe(chunkedLength(length));
        expect(inUse).toBe(0);
      },
    ),
    { numRuns: 200 },
  );
});

test('the framed length of the largest part is known without any byte of it', () => {
  const bytes = 5 * 1024 ** 3;

  // 81,920 chunks of 64 KiB with `10000\r\n` before and `\r\n` behind, and the end.
  expect(chunkedLength(bytes)).toBe(bytes + 81_920 * 9 + '0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'.length);
  expect(chunkedHeaders(bytes)['x-amz-decoded-content-length']).toBe('5368709120');
});
