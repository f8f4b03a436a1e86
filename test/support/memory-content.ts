/**
 * Files of any size that cost no time to make: one block of random bytes over and over, begun at another place for each
 * file. The block's length is odd, so no two places at multiples of a part's size hold the same bytes for many terabytes,
 * and whatever is put together from wrong pieces has another CRC32.
 */
import { combineCrc32, crc32 } from '../../lib/store/crc32.ts';
import { bytesOf } from './origin-bytes.ts';

const BLOCK_BYTES = 4 * 1024 * 1024 + 7;
const STEP_BYTES = 65_537;

let made: Buffer | undefined;

function block(): Buffer {
  made ??= bytesOf('memory', BLOCK_BYTES);
  return made;
}

/** The bytes of file `file` from `from` on: views of one buffer, `pieceBytes` at most each. */
export function* contentOf(file: number, from: number, bytes: number, pieceBytes = 256 * 1024): Generator<Buffer> {
  let at = (file * STEP_BYTES + from) % BLOCK_BYTES;
  for (let left = bytes; left > 0; ) {
    const piece = block().subarray(at, at + Math.min(left, pieceBytes));
    yield piece;
    left -= piece.length;
    at = (at + piece.length) % BLOCK_BYTES;
  }
}

/** CRC32 of the first `bytes` bytes of file `file`, from the sum of the block. */
export function contentCrc32(file: number, bytes: number): number {
  const start = (file * STEP_BYTES) % BLOCK_BYTES;
  const head = Math.min(bytes, BLOCK_BYTES - start);
  const blocks = Math.floor((bytes - head) / BLOCK_BYTES);
  const tail = bytes - head - blocks * BLOCK_BYTES;
  let sum = crc32(block().subarray(start, start + head));
  let repeated = { crc32: crc32(block()), bytes: BLOCK_BYTES };
  for (let left = blocks; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) sum = combineCrc32(sum, repeated.crc32, repeated.bytes);
    repeated = { crc32: combineCrc32(repeated.crc32, repeated.crc32, repeated.bytes), bytes: 2 * repeated.bytes };
  }
  return combineCrc32(sum, crc32(block().subarray(0, tail)), tail);
}
