import fc from 'fast-check';
import { createCRC32 } from 'hash-wasm';
import { expect, test } from 'vitest';
import {
  combineCrc32,
  combineCrc32c,
  crc32,
  crc32Base64,
  crc32Hex,
  parseCrc32Base64,
  parseCrc32Hex,
} from '../../lib/store/crc32.ts';

const crc = fc.nat(0xffffffff);
const length = fc.nat(5 * 1024 ** 3);

test('the check value of CRC-32 comes out, in both spellings', () => {
  const check = crc32(Buffer.from('123456789'));

  expect(crc32Hex(check)).toBe('cbf43926');
  expect(crc32Base64(check)).toBe('y/Q5Jg==');
  expect(crc32Hex(crc32(Buffer.alloc(0)))).toBe('00000000');
});

test('the CRC of a whole is combined from those of its parts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), fc.uint8Array({ maxLength: 5_000 }), (a, b) => {
      const whole = crc32(Buffer.concat([a, b]));
      expect(combineCrc32(crc32(a), crc32(b), b.length)).toBe(whole);
      expect(crc32(b, crc32(a))).toBe(whole);
    }),
  );
});

test('the CRC-32C of a whole is combined from those of its parts, as another implementation computes them', async () => {
  const hasher = await createCRC32(0x82f63b78);
  const crc32c = (bytes: Uint8Array) => parseCrc32Hex(hasher.init().update(bytes).digest('hex')) ?? -1;
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);

  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), fc.uint8Array({ maxLength: 5_000 }), (a, b) => {
      expect(combineCrc32c(crc32c(a), crc32c(b), b.length)).toBe(crc32c(Buffer.concat([a, b])));
    }),
  );
});

test.each([
  ['CRC-32', combineCrc32],
  ['CRC-32C', combineCrc32c],
])('combining %s is associative for parts up to 5 GiB, where lengths no longer fit 32 bits', (_, combine) => {
  fc.assert(
    fc.property(crc, crc, crc, length, length, (a, b, c, bBytes, cBytes) => {
      const left = combine(combine(a, b, bBytes), c, cBytes);
      expect(combine(a, combine(b, c, cBytes), bBytes + cBytes)).toBe(left);
    }),
  );
});

test('a part longer than 4 GiB is not taken for its length modulo 2^32', () => {
  // x^(2^32) = x modulo the polynomial: 2^32 bits are one bit, 2^32 bytes are one byte.
  expect(combineCrc32(0x12345678, 0, 2 ** 32)).toBe(combineCrc32(0x12345678, 0, 1));
  expect(combineCrc32(0x12345678, 0, 2 ** 32 + 5)).toBe(combineCrc32(0x12345678, 0, 6));
});

test('base64 is read back, and a checksum of checksums is not one', () => {
  fc.assert(
    fc.property(crc, (value) => {
      expect(parseCrc32Base64(crc32Base64(value))).toBe(value);
    }),
  );
  for (const text of ['', 'y/Q5Jg==-3', 'y/Q5Jg', '!!!!!!==']) expect(parseCrc32Base64(text)).toBeUndefined();
});

test('hexadecimal is read back in either case, and nothing else is', () => {
  fc.assert(
    fc.property(crc, (value) => {
      expect(parseCrc32Hex(crc32Hex(value))).toBe(value);
      expect(parseCrc32Hex(crc32Hex(value).toUpperCase())).toBe(value);
    }),
  );
  for (const text of ['', '1234567', '123456789', '0x123456', '-1234567', '12 45678']) {
    expect(parseCrc32Hex(text)).toBeUndefined();
  }
});
