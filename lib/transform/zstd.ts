/**
 * zstd, both ways (RFC 8878). Several frames in a row are one file, skippable frames are skipped; a file without its end,
 * or with anything else behind it, is refused. Packing adds a checksum; unpacking checks the ones there are.
 */
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { CODEC_CHUNKS, runCodec } from './codec.ts';
import { checkExpansion } from './limits.ts';
import type { TransformLimits, TransformStep } from './transform.ts';
import { ZstdFrames } from './zstd-frames.ts';

/** @param maxWindowBytes memory that a frame may ask for */
export function makeUnzstd(limits: TransformLimits, maxWindowBytes: number): TransformStep {
  const name = 'unzstd';
  const params = { [constants.ZSTD_d_windowLogMax]: Math.max(10, Math.ceil(Math.log2(maxWindowBytes))) };
  return {
    name,
    apply: (input) => {
      const frames = new ZstdFrames(maxWindowBytes);
      return runCodec(input, {
        name,
        what: 'zstd data',
        open: () => createZstdDecompress({ ...CODEC_CHUNKS, params }),
        cut: (piece) => frames.cut(piece),
        checkEnd: () => frames.checkEnd(),
        checkTotals: (bytesIn, bytesOut) => checkExpansion(name, limits, bytesIn, bytesOut),
      });
    },
  };
}

/** @param level 1 (fastest) to 19 (smallest) */
export function makeZstd(level: number): TransformStep {
  const name = 'zstd';
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  return {
    name,
    apply: (input) =>
      runCodec(input, {
        name,
        what: 'data',
        worksAhead: true,
        open: () => createZstdCompress({ ...CODEC_CHUNKS, params }),
      }),
  };
}
