import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countByte } from '../../lib/transform/count-byte.ts';
import { makeLines } from '../../lib/transform/lines.ts';
import { splitLineBatches, splitLines } from '../../lib/transform/split-lines.ts';
import { CarelessSource, chunkSizes, collect, inChunks, runStep } from './byte-streams.ts';

const text = fc
  .array(fc.constantFrom('a', 'bc', 'ü', '\n', '\r', '\r\n', '\n\r', 'x'.repeat(60), 'y'.repeat(200)), {
    maxLength: 60,
  })
  .map((parts) => parts.join(''));

/** The judge: what a regular expression finds. */
function linesOf(all: string): string[] {
  const lines = all.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

const chunksOf = (all: string, sizes: readonly number[]) => inChunks(Buffer.from(all), sizes);
const tooLong = (line: number, bytes: number) =>
  expect.objectContaining({
    name: 'TransformFailed',
    message: `lines: line ${line} is longer than ${bytes} bytes (maxBytes).`,
  });

async function linesIn(chunks: readonly Uint8Array[], maxBytes = 1_000): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(new CarelessSource(chunks), { maxBytes }))
    lines.push(Buffer.from(line).toString());
  return lines;
}

describe('lines', () => {
  it('end with LF, whatever ended them and wherever the chunks end, and are counted', async () => {
    await fc.assert(
      fc.asyncProperty(text, chunkSizes, fc.constantFrom(61, 1_000_000), async (all, sizes, spare) => {
        const wanted = linesOf(all);
        const longest = Math.max(0, ...wanted.map((line) => Buffer.byteLength(line)));

        const { bytes, counts } = await runStep(makeLines({ maxBytes: longest + spare }), chunksOf(all, sizes));

        expect(bytes.toString()).toBe(wanted.map((line) => `${line}\n`).join(''));
        expect(counts).toEqual({ rowsIn: wanted.length, rowsOut: wanted.length });
      }),
    );
  });

  it('fail with the number of the first one that is longer than allowed, and only then', async () => {
    await fc.assert(
      fc.asyncProperty(text, chunkSizes, fc.integer({ min: 1, max: 300 }), async (all, sizes, maxBytes) => {
        const first = linesOf(all).findIndex((line) => Buffer.byteLength(line) > maxBytes);
        const reading = runStep(makeLines({ maxBytes }), chunksOf(all, sizes));

        if (first === -1) await reading;
        else await expect(reading).rejects.toEqual(tooLong(first + 1, maxBytes));
      }),
    );
  });

  it('pass as they come: a long one is not held until it ends', async () => {
    const source = new CarelessSource(inChunks(Buffer.alloc(100_000, 'x'), [1_000]));
    const reader = makeLines({ maxBytes: 1_000_000 }).apply(source, { rowsIn: 0, rowsOut: 0 })[Symbol.asyncIterator]();

    expect((await reader.next()).value).toHaveLength(1_000);
    expect(source.pulled).toBe(1);

    await reader.return?.();

    expect(source.closed).toBe(true);
  });
});

describe('splitting lines', () => {
  it('gives each one without its end, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(text, chunkSizes, async (all, sizes) => {
        expect(await linesIn(chunksOf(all, sizes), 10_000)).toEqual(linesOf(all));
      }),
    );
  });

  it('fails with the number of the first one that is longer than allowed, and only then', async () => {
    await fc.assert(
      fc.asyncProperty(text, chunkSizes, fc.integer({ min: 1, max: 300 }), async (all, sizes, maxBytes) => {
        const first = linesOf(all).findIndex((line) => Buffer.byteLength(line) > maxBytes);
        const reading = linesIn(chunksOf(all, sizes), maxBytes);

        if (first === -1) expect(await reading).toEqual(linesOf(all));
        else await expect(reading).rejects.toEqual(tooLong(first + 1, maxBytes));
      }),
    );
  });

  it('fails for an endless line as soon as it is too long, holding no more of it', async () => {
    const source = new CarelessSource(inChunks(Buffer.alloc(100_000, 'x'), [1_000]));

    await expect(collect(splitLines(source, { maxBytes: 5_000 }))).rejects.toEqual(tooLong(1, 5_000));
    expect(source.pulled).toBe(6);
    expect(source.closed).toBe(true);
  });

  it('gives the lines of a chunk together, where they are wanted that way', async () => {
    const batches: string[][] = [];
    for await (const batch of splitLineBatches(new CarelessSource([Buffer.from('a\nb\nc'), Buffer.from('d\re')]), {
      maxBytes: 9,
    })) {
      batches.push(batch.map((line) => Buffer.from(line).toString()));
    }

    expect(batches).toEqual([['a', 'b'], ['cd'], ['e']]);
  });
});

describe('counting a byte', () => {
  it('counts as one by one does, wherever the bytes lie in their buffer', () => {
    const bytes = fc.array(fc.constantFrom(0x0a, 0x0b, 0x8a, 0x00, 0xff, 0x09), { maxLength: 70 });

    fc.assert(
      fc.property(bytes, fc.nat(9), fc.constantFrom(0x0a, 0x00, 0xff, 0x8a), (list, from, byte) => {
        const part = Uint8Array.from(list).subarray(from);

        expect(countByte(part, byte)).toBe(part.filter((one) => one === byte).length);
      }),
    );
  });
});
