import { randomBytes } from 'node:crypto';
import { constants, createGunzip, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MiB } from '../../lib/contract/limits.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { CODEC_CHUNKS, runCodec } from '../../lib/transform/codec.ts';
import { makeGunzip, makeGzip } from '../../lib/transform/gzip.ts';
import { DEFAULT_TRANSFORM_LIMITS } from '../../lib/transform/limits.ts';
import { makeUnzstd, makeZstd } from '../../lib/transform/zstd.ts';
import { apply, CarelessSource, chunkSizes, collect, inChunks, someBytes } from './byte-streams.ts';

const failed = (message: RegExp) =>
  expect.objectContaining({ name: 'TransformFailed', message: expect.stringMatching(message) });

/** Its magic, four bytes of length, and something that nobody reads. */
const skippable = (bytes: number) => {
  const frame = Buffer.alloc(8 + bytes, 0xee);
  frame.writeUInt32LE(0x184d_2a57, 0);
  frame.writeUInt32LE(bytes, 4);
  return frame;
};

const formats = [
  {
    unpack: 'gunzip',
    pack: makeGzip(6),
    make: makeGunzip,
    packSync: (bytes: Uint8Array) => gzipSync(bytes),
    unpackSync: (bytes: Uint8Array) => gunzipSync(bytes),
  },
  {
    unpack: 'unzstd',
    pack: makeZstd(3),
    make: (limits = DEFAULT_TRANSFORM_LIMITS) => makeUnzstd(limits, 8 * MiB),
    packSync: (bytes: Uint8Array) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    unpackSync: (bytes: Uint8Array) => zstdDecompressSync(bytes),
  },
] as const;

describe.each(formats)('$unpack and its opposite', ({ unpack, pack, make, packSync, unpackSync }) => {
  const step = make(DEFAULT_TRANSFORM_LIMITS);
  const parts = fc.array(someBytes, { minLength: 1, maxLength: 3 });

  it('give back any bytes, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(someBytes, chunkSizes, chunkSizes, async (bytes, sizes, packedSizes) => {
        const packed = await apply(pack, ...inChunks(bytes, sizes));

        expect((await apply(step, ...inChunks(packed, packedSizes))).equals(bytes)).toBe(true);
        expect(unpackSync(packed).equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('give back many megabytes through chunks that are larger than any buffer', async () => {
    const bytes = Buffer.concat(
      Array.from({ length: 40 }, (_, at) => Buffer.concat([randomBytes(100_000), Buffer.alloc(200_000, at)])),
    );
    const packed = await apply(pack, bytes);

    expect((await apply(step, packed)).equals(bytes)).toBe(true);
  });

  it('read several packed files in a row as one, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(parts, chunkSizes, async (files, sizes) => {
        const packed = Buffer.concat(files.map(packSync));

        expect((await apply(step, ...inChunks(packed, sizes))).equals(Buffer.concat(files))).toBe(true);
        expect((await apply(step, packed)).equals(Buffer.concat(files))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('fail for every beginning of a packed file, with the step and the reason', async () => {
    await fc.assert(
      fc.asyncProperty(
        someBytes,
        someBytes,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        chunkSizes,
        async (first, last, cut, sizes) => {
          const whole = packSync(last);
          const packed = Buffer.concat([packSync(first), whole.subarray(0, 1 + Math.floor(cut * (whole.length - 1)))]);

          const reading = apply(step, ...inChunks(packed, sizes));

          if (packed.length === packSync(first).length + whole.length) await reading;
          else await expect(reading).rejects.toEqual(failed(new RegExp(`^${unpack}: the .* data ends too early`)));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('fail for an input without a byte, which is no packed file', async () => {
    await expect(apply(step)).rejects.toEqual(failed(/ends too early/));
  });

  it('fail for whatever else stands behind the packed data, wherever the chunks end', async () => {
    const garbage = fc.uint8Array({ minLength: 1, maxLength: 50 }).filter((bytes) => bytes.some((byte) => byte !== 0));

    await fc.assert(
      fc.asyncProperty(someBytes, fc.nat(20), garbage, chunkSizes, async (bytes, zeros, rest, sizes) => {
        const packed = Buffer.concat([packSync(bytes), Buffer.alloc(zeros), rest]);

        await expect(apply(step, ...inChunks(packed, sizes))).rejects.toEqual(failed(/^/));
        await expect(apply(step, packed)).rejects.toEqual(failed(/^/));
      }),
      { numRuns: 60 },
    );
  });

  it('fail for garbage instead of hanging', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 500 }), chunkSizes, async (bytes, sizes) => {
        await expect(apply(step, ...inChunks(bytes, sizes))).rejects.toEqual(failed(new RegExp(`^${unpack}: `)));
      }),
      { numRuns: 60 },
    );
  });

  it('never give out other bytes for a packed file with a flipped bit and call it complete', async () => {
    await fc.assert(
      fc.asyncProperty(someBytes, fc.nat(), fc.nat(7), chunkSizes, async (bytes, where, bit, sizes) => {
        const packed = Buffer.from(packSync(bytes));
        const at = where % packed.length;
        packed[at] = (packed[at] ?? 0) ^ (1 << bit);

        const read = await apply(step, ...inChunks(packed, sizes)).catch((error: SkyhaulError) => error.name);

        // Some bits of a header mean nothing, such as the time in gzip.
        expect(read === 'TransformFailed' || (Buffer.isBuffer(read) && read.equals(bytes))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('H69: stop a bomb at the ratio, long before it has gone off', async () => {
    const bomb = packSync(Buffer.alloc(64 * MiB));
    let out = 0;

    const reading = async () => {
      const chunks = make({ maxRatio: 100, maxBytes: 1_000 * MiB }).apply(new CarelessSource([bomb]), {
        rowsIn: 0,
        rowsOut: 0,
      });
      for await (const chunk of chunks) out += chunk.length;
    };

    await expect(reading()).rejects.toEqual(failed(new RegExp(`^${unpack}: .* more than 100 for one \\(maxRatio\\)`)));
    expect(out).toBeLessThanOrEqual(MiB + 100 * bomb.length);
  });

  it('H69: lets a small file of one byte pass, however well it packs', async () => {
    const flat = Buffer.alloc(MiB);

    expect((await apply(make({ maxRatio: 2, maxBytes: 2 * MiB }), packSync(flat))).equals(flat)).toBe(true);
  });

  it('H69: stop at the size, and say it', async () => {
    const packed = packSync(randomBytes(3 * MiB));

    await expect(apply(make({ maxRatio: 100, maxBytes: 2 * MiB }), packed)).rejects.toEqual(
      failed(new RegExp(`^${unpack}: more than ${2 * MiB} bytes came out \\(maxBytes\\)`)),
    );
  });

  it('hand on the error of their source as it is', async () => {
    const lost = new SkyhaulError('ConnectionLost', 'gone');
    const source = new CarelessSource([packSync(randomBytes(1_000)).subarray(0, 500)], lost);

    await expect(collect(step.apply(source, { rowsIn: 0, rowsOut: 0 }))).rejects.toBe(lost);
  });

  it.each([
    ['unpacking', step],
    ['packing', pack],
  ])(
    'read nothing ahead while nobody reads them, and close their source when they are closed (%s)',
    async (_, either) => {
      const bytes = either === step ? packSync(randomBytes(8 * MiB)) : randomBytes(8 * MiB);
      const chunks = inChunks(bytes, [65_536]);
      const source = new CarelessSource(chunks);
      const reader = either.apply(source, { rowsIn: 0, rowsOut: 0 })[Symbol.asyncIterator]();
      const first = await reader.next();
      const pulled = source.pulled;
      // Long enough for a codec that reads ahead to have read a lot.
      await new Promise((resolve) => setTimeout(resolve, 50));

      expect(first.done).toBe(false);
      expect(source.pulled).toBe(pulled);
      expect(pulled).toBeLessThan(chunks.length / 4);

      await reader.return?.();

      expect(source.closed).toBe(true);
    },
  );
});

describe('unpacking zstd', () => {
  const step = makeUnzstd(DEFAULT_TRANSFORM_LIMITS, 8 * MiB);

  it('skips skippable frames, before, between and behind the others', async () => {
    await fc.assert(
      fc.asyncProperty(someBytes, fc.nat(300), chunkSizes, async (bytes, length, sizes) => {
        const frame = zstdCompressSync(bytes);
        const packed = Buffer.concat([skippable(length), frame, skippable(0), frame, skippable(length)]);

        expect((await apply(step, ...inChunks(packed, sizes))).equals(Buffer.concat([bytes, bytes]))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('gives nothing for a file of skippable frames, and fails when one is cut', async () => {
    expect(await apply(step, skippable(9))).toHaveLength(0);
    await expect(apply(step, skippable(9).subarray(0, -1))).rejects.toEqual(failed(/ends too early/));
  });

  it('refuses a window that takes more memory than allowed, and says both', async () => {
    const params = { [constants.ZSTD_c_windowLog]: 24, [constants.ZSTD_c_contentSizeFlag]: 0 };
    const bytes = randomBytes(17 * MiB);
    const packed = zstdCompressSync(bytes, { params });

    await expect(apply(step, packed)).rejects.toEqual(failed(/a window of \d+ bytes, maxWindowBytes is 8388608/));
    expect((await apply(makeUnzstd(DEFAULT_TRANSFORM_LIMITS, 32 * MiB), packed)).equals(bytes)).toBe(true);
  });

  it('unpacks what the highest level packs, within the usual window', async () => {
    const bytes = randomBytes(100_000);

    expect((await apply(step, await apply(makeZstd(19), bytes))).equals(bytes)).toBe(true);
  });
});

describe('a native codec', () => {
  const open = () => {
    const codecs: ReturnType<typeof createGunzip>[] = [];
    const use = {
      name: 'gunzip',
      what: 'gzip data',
      open: () => {
        const codec = createGunzip(CODEC_CHUNKS);
        codecs.push(codec);
        return codec;
      },
    };
    return { codecs, use };
  };
  const isFreed = (codec: object | undefined) => Reflect.get(codec ?? {}, '_handle') === null;
  const packed = gzipSync(randomBytes(4 * MiB));

  it('is freed when it has read its input, when it fails, when its source fails, and when it is closed in the middle', async () => {
    const { codecs, use } = open();

    await collect(runCodec(new CarelessSource([packed]), use));
    await collect(runCodec(new CarelessSource([Buffer.from('no gzip')]), use)).catch(() => undefined);
    await collect(runCodec(new CarelessSource([packed.subarray(0, MiB)], new Error('gone')), use)).catch(
      () => undefined,
    );
    for await (const _ of runCodec(new CarelessSource(inChunks(packed, [65_536])), use)) break;
    // A thread that is at work frees it when it is done.
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(codecs.map(isFreed)).toEqual([true, true, true, true]);
  });

  it('is not made before somebody reads', async () => {
    const { codecs, use } = open();

    await runCodec(new CarelessSource([packed]), use).return(undefined);

    expect(codecs).toEqual([]);
  });
});
