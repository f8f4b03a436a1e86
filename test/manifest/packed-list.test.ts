import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readManifest } from '../../lib/manifest/read-manifest.ts';
import { collect, found, inPieces, readAll } from './lists.ts';

const a = 'https://a.example/1';
const b = 'https://b.example/2';

const zstdSync = (text: string | Uint8Array) =>
  zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
const packings = [
  ['gzip', gzipSync],
  ['zstd', zstdSync],
] as const;

/** What is thrown for a list of these bytes. */
async function refusal(bytes: Uint8Array, pieceBytes?: number, maxItems?: number): Promise<string> {
  const error = await readAll(bytes, { name: 'l.txt', ...(pieceBytes && { pieceBytes }) }, { maxItems }).catch(
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ name: 'ManifestUnreadable' });
  return (error as Error).message;
}

describe.each(packings)('a list in %s', (name, pack) => {
  it.each([
    ['txt', a],
    ['jsonl', `{"url":"${a}"}`],
    ['csv', `url,x\n${a},1`],
    ['tsv', `url\tx\n${a}\t1`],
    ['tsv', `TsvHttpData-1.0\n${a}`],
  ] as const)('may be of any format, here %s, whatever its name says of packing', async (format, text) => {
    for (const extension of ['', '.gz', '.zst']) {
      expect((await readAll(pack(text), { name: `l.${format}${extension}` })).map(found)).toEqual([a]);
    }
    expect((await readAll(pack(text), { name: '-' })).map(found)).toEqual([a]);
  });

  it('is read as it is when only its name says so', async () => {
    expect((await readAll(a, { name: `l.txt.${name === 'gzip' ? 'gz' : 'zst'}` })).map(found)).toEqual([a]);
  });

  it('may be several packed lists, one behind the other, cut anywhere', async () => {
    const packed = Buffer.concat([pack(`\u{FEFF}${a}\n`), pack(''), pack(b), pack('\n')]);

    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: packed.length }), async (pieceBytes) => {
        expect((await readAll(packed, { name: 'l.txt', pieceBytes })).map(found)).toEqual([a, b]);
      }),
    );
  });

  it('that is cut off names the byte and the line it reached', async () => {
    const packed = pack(Array.from({ length: 50_000 }, (_, n) => `${a}${n}`).join('\n'));
    const cut = packed.subarray(0, packed.length - 6);

    const message = await refusal(cut, 1_000);

    expect(message).toMatch(
      new RegExp(`^the list is ${name} data that is cut off at byte ${cut.length}, behind its line`),
    );
    expect(Number(/line (\d+)$/.exec(message)?.[1])).toBeGreaterThan(40_000);
    expect(await refusal(packed.subarray(0, 5))).toContain('cut off at byte 5, before its first line');
  });

  it('that is damaged, or has something else behind it, is unreadable', async () => {
    const packed = pack(Array.from({ length: 1_000 }, (_, n) => `${a}${n}`).join('\n'));
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, 20, 40);

    expect(await refusal(damaged)).toContain(
      `the list is damaged ${name} data, or has something else behind its packed data`,
    );
    for (const pieceBytes of [1, packed.length, packed.length + 3]) {
      const message = await refusal(Buffer.concat([packed, Buffer.from('https://c.example/')]), pieceBytes);
      expect(Math.abs(Number(/at about byte (\d+), behind/.exec(message)?.[1]) - packed.length)).toBeLessThan(20);
    }
  });

  it('that makes too much of too little is refused before it is read to its end', async () => {
    let bytesAsked = 0;
    const bomb = pack(Buffer.alloc(1_048_576, 'x'));
    async function* bombs() {
      for (let n = 0; n < 200; n += 1) {
        bytesAsked += bomb.length;
        yield bomb;
      }
    }
    const before = process.memoryUsage().rss;

    const reading = collect(readManifest(bombs(), { name: 'l' }, { maxItems: 100 }));

    await expect(reading).rejects.toThrow('the list holds more than 100 lines (maxItems) of 64 KiB');
    expect(bytesAsked).toBeLessThan(20 * bomb.length);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1_048_576);
  });

  it('closes its source when nobody reads on', async () => {
    let isClosed = false;
    async function* source() {
      try {
        for (;;) yield pack(`${a}\n`);
      } finally {
        isClosed = true;
      }
    }

    const read = readManifest(source(), { name: 'l' });
    expect(await read.next()).toMatchObject({ value: { line: 1 } });
    await read.return();

    expect(isClosed).toBe(true);
  });

  it('may be any bytes behind its mark: lines come out, or it is unreadable', async () => {
    const mark = pack('').subarray(0, 4);

    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), async (bytes, size) => {
        const read = collect(readManifest(inPieces(Buffer.concat([mark, bytes]), size), { name: '-' }));
        expect(
          await read.then(
            () => 'read',
            (error: Error) => error.name,
          ),
        ).toMatch(/^(read|ManifestUnreadable)$/);
      }),
    );
  });
});

describe('packed lists', () => {
  it('in gzip may end in zeros, as tapes leave them', async () => {
    const packed = gzipSync(a);

    for (const pieceBytes of [1, packed.length, 4_000]) {
      const zeros = Buffer.alloc(100_000);
      expect((await readAll(Buffer.concat([packed, zeros]), { name: 'l', pieceBytes })).map(found)).toEqual([a]);
      expect(await refusal(Buffer.concat([packed, zeros, Buffer.from('x')]), pieceBytes)).toContain('behind');
    }
  });

  it('in zstd may begin with a frame that is to be skipped', async () => {
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

    for (const pieceBytes of [1, 11, 4_000]) {
      const bytes = Buffer.concat([skippable, zstdSync(a)]);
      expect((await readAll(bytes, { name: 'l', pieceBytes })).map(found)).toEqual([a]);
    }
  });

  it('in zstd may not want more memory than a list is worth', async () => {
    // RFC 8878 3.1.1: a frame with a window of 2 GiB, and one raw block, which is its last.
    const block = Buffer.from([(a.length << 3) | 1, a.length >> 5, 0]);
    const frame = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3]), block, Buffer.from(a)]);
    const fits = Buffer.from(frame);
    fits[5] = (27 - 10) << 3;

    expect((await readAll(fits, { name: 'l' })).map(found)).toEqual([a]);
    expect(await refusal(frame)).toContain('takes more than 128 MiB to unpack');
  });

  it('in zstd that unpack to a thousand times their size are no lists', async () => {
    const bomb = zstdSync(Buffer.alloc(100 * 1_048_576, 'x'));

    expect(bomb.length).toBeLessThan(20_000);
    expect(await refusal(bomb)).toContain('unpacks to more than 1000 times its size: byte');
  });
});
