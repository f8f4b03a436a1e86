import { createCipheriv, createHash } from 'node:crypto';

const PIECE_BYTES = 64 * 1024;

/**
 * Pseudo-random bytes that depend on seed and position only (AES-CTR, about a GiB a second). No part repeats, so a
 * file put together from the wrong pieces never compares equal.
 */
export function bytesOf(seed: number | string, length: number, from = 0): Buffer {
  return keystream(seed, from)(length);
}

/** The same bytes piece by piece, for bodies too large to hold. */
export function* piecesOf(
  seed: number | string,
  length: number,
  pieceBytes = PIECE_BYTES,
  from = 0,
): Generator<Buffer> {
  const take = keystream(seed, from);
  for (let left = length; left > 0; left -= pieceBytes) yield take(Math.min(left, pieceBytes));
}

function keystream(seed: number | string, from: number): (length: number) => Buffer {
  const key = createHash('sha256').update(`skyhaul ${seed}`).digest().subarray(0, 16);
  const counter = Buffer.alloc(16);
  counter.writeBigUInt64BE(BigInt(Math.floor(from / 16)), 8);
  const cipher = createCipheriv('aes-128-ctr', key, counter);
  cipher.update(Buffer.alloc(from % 16));
  return (length) => cipher.update(Buffer.alloc(length));
}
