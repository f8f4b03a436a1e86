import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { transformSpec } from '../../lib/contract/transform.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { makeChain } from '../../lib/transform/chain.ts';
import { DEFAULT_TRANSFORM_LIMITS } from '../../lib/transform/limits.ts';
import { CarelessSource, collect, inChunks } from './byte-streams.ts';
import { archive } from './tar-archives.ts';

const chainOf = (list: unknown, limits = DEFAULT_TRANSFORM_LIMITS) => makeChain(transformSpec.parse(list), limits);

/** Everything that a chain makes of the bytes. */
async function run(list: unknown, bytes: Uint8Array, limits = DEFAULT_TRANSFORM_LIMITS) {
  const made = chainOf(list, limits).run(new CarelessSource(inChunks(bytes, [1_000])));
  const out: [string, Buffer][] = [];
  if (made.kind === 'one') out.push(['', await collect(made.body)]);
  else for await (const { path, body } of made.objects) out.push([path, await collect(body)]);
  const { bytesIn, bytesOut, rowsIn, rowsOut } = made.counts;
  return { out, counts: { bytesIn, bytesOut, rowsIn, rowsOut } };
}

describe('a chain', () => {
  it('runs its steps in order and counts bytes and rows from end to end', async () => {
    const packed = gzipSync(Buffer.from('stra\xdfe\r\nzwei\rdrei', 'latin1'));

    const { out, counts } = await run(['gunzip', { name: 'decode', charset: 'latin1' }, 'lines'], packed);

    expect(out[0]?.[1].toString()).toBe('straße\nzwei\ndrei\n');
    expect(counts).toEqual({ bytesIn: packed.length, bytesOut: 18, rowsIn: 3, rowsOut: 3 });
  });

  it('counts the rows into the first step that knows them and out of the last', async () => {
    const list = ['lines', { name: 'jsonl', where: 'n > 1' }, 'gzip'];

    const { out, counts } = await run(list, Buffer.from('{"n":1}\r\n{"n":2}\r\n{"n":3}'));

    expect(gunzipSync(out[0]?.[1] ?? '').toString()).toBe('{"n":2}\n{"n":3}\n');
    expect(counts).toMatchObject({ rowsIn: 3, rowsOut: 2 });
  });

  it('counts no rows where no step knows any', async () => {
    const { counts } = await run(['gzip'], Buffer.from('abc'));

    expect(counts).toMatchObject({ bytesIn: 3, rowsIn: undefined, rowsOut: undefined });
  });

  it('makes several objects where its last step does', async () => {
    const packed = zstdCompressSync(
      archive({ name: 'a', body: 'A' }, { name: 'l', flag: '2' }, { name: 'b', body: 'BB' }),
    );

    const { out, counts } = await run(['unzstd', 'untar'], packed);

    expect(out).toEqual([
      ['a', Buffer.from('A')],
      ['b', Buffer.from('BB')],
    ]);
    expect(counts).toEqual({ bytesIn: packed.length, bytesOut: 3, rowsIn: 3, rowsOut: 2 });
  });

  it('names its steps, and reads nothing before somebody reads it', async () => {
    const source = new CarelessSource([Buffer.from('abc')]);
    const chain = chainOf(['gzip', 'gunzip']);
    const made = chain.run(source);
    await new Promise(setImmediate);

    expect(chain.names).toEqual(['gzip', 'gunzip']);
    expect(made.counts.bytesIn).toBe(0);
    expect(source.pulled).toBe(0);
  });

  it('may be run again and again, for item after item', async () => {
    const chain = chainOf(['gunzip', 'lines']);
    const packed = gzipSync('a\nb');

    for (const _ of [1, 2]) {
      const made = chain.run(new CarelessSource([packed]));
      expect(made.kind === 'one' && (await collect(made.body)).toString()).toBe('a\nb\n');
      expect(made.counts.rowsIn).toBe(2);
    }
  });

  it('H69: stops the step that makes too much, by name', async () => {
    const euros = Buffer.alloc(1_000, 0x80);

    await expect(
      run([{ name: 'decode', charset: 'windows-1252' }, 'lines'], euros, { maxRatio: 1_000, maxBytes: 2_999 }),
    ).rejects.toEqual(
      expect.objectContaining({
        name: 'TransformFailed',
        message: 'decode: more than 2999 bytes came out (maxBytes).',
      }),
    );
  });

  it('hands the error of its source on as it is, through every step', async () => {
    const lost = new SkyhaulError('ConnectionLost', 'gone');
    const made = chainOf(['gzip', 'gunzip', 'lines']).run(new CarelessSource([Buffer.from('a\nb')], lost));

    await expect(made.kind === 'one' && collect(made.body)).rejects.toBe(lost);
  });

  it('closes its source when it is closed in the middle', async () => {
    const source = new CarelessSource(inChunks(Buffer.alloc(1_000_000, 'ab\n'), [1_000]));
    const made = chainOf(['lines', 'zstd', 'unzstd']).run(source);
    const reader = made.kind === 'one' ? made.body[Symbol.asyncIterator]() : undefined;

    expect((await reader?.next())?.done).toBe(false);
    await reader?.return?.();

    expect(source.closed).toBe(true);
  });

  it('lets nothing stand behind a step that makes several objects', () => {
    const untar = { name: 'untar', strip: 0, maxFiles: 10 } as const;

    expect(() => makeChain([untar, { name: 'gunzip' }], DEFAULT_TRANSFORM_LIMITS)).toThrow(
      expect.objectContaining({ name: 'BatchInvalid', message: expect.stringMatching(/nothing comes behind it/) }),
    );
  });
});
