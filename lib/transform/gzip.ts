/**
 * gzip, both ways (RFC 1952). Several members in a row are one file (2.2). Zeros behind the last one are padding, as tapes
 * and tar leave it; anything else there is refused, as is a file without its end, an empty one too.
 */
import { createGunzip, createGzip } from 'node:zlib';
import { CODEC_CHUNKS, runCodec } from './codec.ts';
import { checkExpansion } from './limits.ts';
import type { TransformLimits, TransformStep } from './transform.ts';

export function makeGunzip(limits: TransformLimits): TransformStep {
  const name = 'gunzip';
  return {
    name,
    apply: (input) =>
      runCodec(input, {
        name,
        what: 'gzip data',
        open: () => createGunzip(CODEC_CHUNKS),
        isPadding: (tail) => tail.every((byte) => byte === 0),
        checkTotals: (bytesIn, bytesOut) => checkExpansion(name, limits, bytesIn, bytesOut),
      }),
  };
}

/** @param level 1 (fastest) to 9 (smallest) */
export function makeGzip(level: number): TransformStep {
  const name = 'gzip';
  return {
    name,
    apply: (input) =>
      runCodec(input, { name, what: 'data', worksAhead: true, open: () => createGzip({ ...CODEC_CHUNKS, level }) }),
  };
}
