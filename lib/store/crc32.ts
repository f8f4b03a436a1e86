/**
 * CRC-32 as S3, gzip and zlib mean it (polynomial 0x04C11DB7, reflected), and the algebra of CRC-32C (Castagnoli), which
 * is computed elsewhere. The checksums of parts combine into the one of the whole, so a commit proves the join without
 * anyone reading the bytes again. Not a defence against malice.
 */
import { crc32 as nativeCrc32 } from 'node:zlib';

const POLYNOMIAL = 0xedb88320;
/** RFC 3720 appendix B.4, reflected. */
const CASTAGNOLI = 0x82f63b78;
/** 1 and x^8, in reflected order: the highest coefficient stands in the lowest bit. */
const ONE = 0x80000000;
const POWER_OF_ONE_BYTE = 0x00800000;

/** `previous` is the CRC of the bytes before these, 0 where there are none. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  return nativeCrc32(bytes, previous);
}

/**
 * CRC of A followed by B, from both CRCs and the length of B: crc(A)·x^(8·bBytes) + crc(B) over GF(2) modulo the
 * polynomial. Takes about 2·log2(bBytes) multiplications, whatever A and B are.
 */
export function combineCrc32(a: number, b: number, bBytes: number): number {
  return combine(POLYNOMIAL, a, b, bBytes);
}

/** The same of CRC-32C. */
export function combineCrc32c(a: number, b: number, bBytes: number): number {
  return combine(CASTAGNOLI, a, b, bBytes);
}

export function crc32Hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

/** Of either kind; `undefined` for what is not eight hexadecimal digits. */
export function parseCrc32Hex(text: string): number | undefined {
  return /^[0-9a-f]{8}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** Four bytes big-endian in base64: the form of x-amz-checksum-crc32. */
export function crc32Base64(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

/** `undefined` for what is no CRC32 in base64, such as the `…-3` of a checksum of checksums. */
export function parseCrc32Base64(text: string): number | undefined {
  return /^[A-Za-z0-9+/]{6}==$/.test(text) ? Buffer.from(text, 'base64').readUInt32BE() : undefined;
}

function combine(polynomial: number, a: number, b: number, bBytes: number): number {
  let factor = ONE;
  // x^8, x^16, x^32 …: the square of each is the next. Lengths pass 2^32, so no bit operators on them.
  let power = POWER_OF_ONE_BYTE;
  for (let left = bBytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) factor = multiply(polynomial, power, factor);
    power = multiply(polynomial, power, power);
  }
  return (multiply(polynomial, factor, a) ^ b) >>> 0;
}

function multiply(polynomial: number, a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial;
  }
  return product >>> 0;
}
