import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { DEFAULT_TRANSFORM_LIMITS } from '../../lib/transform/limits.ts';
import { makeUntar } from '../../lib/transform/untar.ts';
import { CarelessSource, chunkSizes, collect, inChunks } from './byte-streams.ts';
import { archive, END, type Entry, OPTIONS, record, signed, tarEntry, untar } from './tar-archives.ts';

const failed = (message: RegExp) =>
  expect.objectContaining({ name: 'TransformFailed', message: expect.stringMatching(message) });

const segment = fc.oneof(
  fc.stringMatching(/^[a-z0-9_-]{1,30}$/),
  fc.constantFrom('ü', '文'.repeat(30), 'a b', '100%', 'x'.repeat(120)),
);
const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('/'));
const body = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc.constantFrom(511, 512, 513, 5_000).map((size) => Buffer.alloc(size, 'b')),
);
const files = fc.uniqueArray(fc.record({ path, body }), { selector: (file) => file.path, maxLength: 6 });

describe('untar', () => {
  it('gives the files that tar-stream packed, in order, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(files, chunkSizes, async (list, sizes) => {
        const packing = pack();
        for (const file of list) packing.entry({ name: file.path }, Buffer.from(file.body));
        packing.finalize();

        const found = await untar(inChunks(await buffer(packing), sizes));

        expect(found.files).toEqual(list.map((file) => ({ path: file.path, body: Buffer.from(file.body) })));
        expect(found.counts).toEqual({ rowsIn: list.length, rowsOut: list.length });
      }),
    );
  });

  it('leaves links, devices and pipes out and counts them; directories are no rows', async () => {
    const others = ['1', '2', '3', '4', '6'].map((flag) => ({ name: `other-${flag}`, flag }));
    const bytes = archive({ name: 'd/', flag: '5' }, { name: 'old/' }, ...others, { name: 'd/a', body: 'A' });

    const { files: found, counts } = await untar([bytes]);

    expect(found.map((file) => file.path)).toEqual(['d/a']);
    expect(counts).toEqual({ rowsIn: 6, rowsOut: 1 });
  });

  it('reads names and sizes in every way they are written', async () => {
    const long = `${'deep/'.repeat(60)}end`;
    const binary = Buffer.concat([Buffer.from([0x80]), Buffer.alloc(10), Buffer.from([3])]);
    const bytes = archive(
      { name: './a//b', body: 'ab' },
      { name: 'name', prefix: 'with/prefix', body: 'p' },
      { name: 'gnu', magic: 'ustar  \0', prefix: 'no/prefix', body: 'g' },
      { name: 'ancient', magic: '', flag: '\0', body: 'v7' },
      { name: 'binary', size: binary, body: 'bin' },
      { name: 'spaces', size: Buffer.from('      3 \0\0\0\0'), body: 'spa' },
      { name: '././@LongLink', flag: 'L', body: `${long}\0`, magic: 'ustar  \0' },
      { name: 'cut', body: 'l' },
      { name: '././@LongLink', flag: 'K', body: 'somewhere\0', magic: 'ustar  \0' },
      { name: 'link', flag: '2' },
      { name: 'pax_global_header', flag: 'g', body: record('comment', 'c0ffee') },
      { name: 'PaxHeader', flag: 'x', body: record('mtime', '1.5') + record('path', 'päx') + record('size', '4') },
      { name: 'other', size: 0, body: 'four' },
      { name: 'after', body: 'z' },
    );

    const { files: found } = await untar([bytes]);

    expect(found.map((file) => [file.path, file.body.toString()])).toEqual([
      ['a/b', 'ab'],
      ['with/prefix/name', 'p'],
      ['gnu', 'g'],
      ['ancient', 'v7'],
      ['binary', 'bin'],
      ['spaces', 'spa'],
      [long, 'l'],
      ['päx', 'four'],
      ['after', 'z'],
    ]);
  });

  it('takes leading folders off, and drops what lies above them', async () => {
    const bytes = archive({ name: './top/a/b', body: '1' }, { name: 'top/c', body: '2' }, { name: 'd', body: '3' });

    const { files: found, counts } = await untar([bytes], { strip: 1 });

    expect(found.map((file) => file.path)).toEqual(['a/b', 'c']);
    expect(counts).toEqual({ rowsIn: 3, rowsOut: 2 });
  });

  it.each([
    '/etc/passwd',
    '//etc/passwd',
    '../up',
    'a/../../up',
    'a/..',
    'a\\..\\b',
    '\\a',
    'C:/windows',
    '%2e%2e/up',
    'a/%2E./b',
    'a%2f..%2fb',
    '%252e%252e/up',
    '%2fetc/passwd',
    '%252fetc/passwd',
    '%5cetc',
    './%2fetc',
    'a\nb',
    'a\u007fb',
    '.',
    'ends.',
    '.skyhaul/runs/x',
  ])('refuses the whole archive for the name %j', async (name) => {
    await expect(untar([archive({ name, body: 'x' })])).rejects.toEqual(
      failed(/^untar: the archive holds ".*which is no name/),
    );
    await expect(
      untar([archive({ name: 'x', flag: 'x', body: record('path', `sub/../${name}`) }, { name: 'a', body: 'x' })]),
    ).rejects.toEqual(failed(/which is no name/));
  });

  it('refuses what taking folders off would turn into another place', async () => {
    await expect(untar([archive({ name: '../up', body: 'x' })], { strip: 1 })).rejects.toEqual(failed(/no part `..`/));
    await expect(untar([archive({ name: 'a/%2fup', body: 'x' })], { strip: 1 })).rejects.toEqual(failed(/absolute/));
  });

  it('never gives a path that leads anywhere else, be it decoded twice', async () => {
    const hostile = fc
      .array(
        fc.constantFrom('a', '.', '..', '/', '\\', '%2e', '%2f', '%5c', '%25', '25', '2e', '2f', '5c', 'C:', '\0', '~'),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(''));
    const decoded = (text: string) =>
      text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

    await fc.assert(
      fc.asyncProperty(hostile, async (name) => {
        const found = await untar([archive({ name, body: 'x' })]).catch(() => undefined);

        for (const file of found?.files ?? []) {
          for (const text of [file.path, decoded(file.path), decoded(decoded(file.path))]) {
            expect(text).not.toMatch(/^[/\\]|(^|[/\\])\.\.?($|[/\\])/);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each<[string, Entry, RegExp]>([
    ['a sparse file of old GNU tar', { name: 'a', flag: 'S' }, /unknown kind/],
    ['a piece of another volume', { name: 'a', flag: 'M' }, /unknown kind/],
    ['a hard link with a size', { name: 'a', flag: '1', size: 5 }, /may mean two things/],
    ['a sparse file', { name: 'a', flag: 'x', body: record('GNU.sparse.major', '1') }, /sparse/],
    ['a global header that names files', { name: 'a', flag: 'g', body: record('path', 'b') }, /global header/],
    ['a size that is none', { name: 'a', flag: 'x', body: record('size', '-1') }, /size in an extended header/],
    ['a size in letters', { name: 'a', size: Buffer.from('000000zz000\0') }, /a number is none/],
    ['a negative size', { name: 'a', size: Buffer.alloc(12, 0xff) }, /negative/],
    ['a huge size', { name: 'a', size: Buffer.from('80ffffffffffffffffffffff', 'hex') }, /larger than any file/],
    ['a broken extended header', { name: 'a', flag: 'x', body: '99 path=b\n' }, /extended header is damaged/],
    ['a header of megabytes', { name: 'a', flag: 'x', size: 2 ** 21 }, /a header has more than/],
    ['NUL in a name', { name: 'a', flag: 'x', body: record('path', 'b\0c') }, /holds NUL/],
  ])('refuses %s', async (_, entry, message) => {
    await expect(untar([archive(entry, { name: 'b', body: 'B' })])).rejects.toEqual(failed(message));
  });

  it('refuses a name that is not UTF-8, and the same path twice', async () => {
    const latin = tarEntry({ name: 'x' });
    latin[0] = 0xe4;
    signed(latin.subarray(0, 512));

    await expect(untar([Buffer.concat([latin, END])])).rejects.toEqual(failed(/not UTF-8/));
    await expect(untar([archive({ name: 'a/b' }, { name: './a//b' })])).rejects.toEqual(failed(/"a\/b" twice/));
  });

  it('fails for every beginning of an archive, also for one that ends between two files', async () => {
    const whole = archive(
      { name: 'a', body: 'A'.repeat(700) },
      { name: 'x', flag: 'x', body: record('path', 'b') },
      { name: 'c', body: 'C' },
    );

    for (let length = 0; length < whole.length - END.length + 512; length += length % 512 > 500 ? 1 : 37) {
      await expect(untar([whole.subarray(0, length)])).rejects.toEqual(failed(/cut off/));
    }
    expect((await untar([whole])).files).toHaveLength(2);
  });

  it('takes zeros behind the end for padding, and fails for a second archive there', async () => {
    const one = archive({ name: 'a', body: 'A' });

    expect((await untar([one, Buffer.alloc(9_000)])).files).toHaveLength(1);
    await expect(untar([one, one])).rejects.toEqual(failed(/something else stands behind/));
  });

  it('fails for garbage instead of hanging', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), chunkSizes, async (bytes, sizes) => {
        fc.pre(bytes.some((byte) => byte !== 0));

        await expect(untar(inChunks(bytes, sizes))).rejects.toEqual(failed(/^untar: /));
      }),
    );
  });

  it('H69: stops at the number of files and at the size of all together, before it reads further', async () => {
    const bytes = archive({ name: 'a', body: 'AA' }, { name: 'b', body: 'BB' });

    await expect(untar([bytes], { maxFiles: 1 })).rejects.toEqual(failed(/more than 1 files \(maxFiles\)/));
    await expect(untar([bytes], {}, { maxRatio: 1, maxBytes: 3 })).rejects.toEqual(
      failed(/more than 3 bytes .*maxBytes/),
    );
    expect((await untar([bytes], { maxFiles: 2 }, { maxRatio: 1, maxBytes: 4 })).files).toHaveLength(2);
  });

  it('skips the rest of a body that nobody read, and tells a late reader so', async () => {
    const bytes = archive({ name: 'a', body: 'A'.repeat(3_000) }, { name: 'b', body: 'B' }, { name: 'c', body: 'C' });
    const step = makeUntar(OPTIONS, DEFAULT_TRANSFORM_LIMITS);
    const objects = step
      .split(new CarelessSource(inChunks(bytes, [700])), { rowsIn: 0, rowsOut: 0 })
      [Symbol.asyncIterator]();
    const first = (await objects.next()).value;
    const late = first.body[Symbol.asyncIterator]();
    await late.next();

    const second = (await objects.next()).value;

    expect((await collect(second.body)).toString()).toBe('B');
    await expect(late.next()).rejects.toEqual(failed(/read after the next one/));
    expect((await objects.next()).value.path).toBe('c');
  });

  it('reads nothing ahead of its reader, and closes its source when it is closed', async () => {
    const source = new CarelessSource(inChunks(archive({ name: 'a', body: 'A'.repeat(9_000) }, { name: 'b' }), [512]));
    const objects = makeUntar(OPTIONS, DEFAULT_TRANSFORM_LIMITS)
      .split(source, { rowsIn: 0, rowsOut: 0 })
      [Symbol.asyncIterator]();

    const { body: first } = (await objects.next()).value;
    expect(source.pulled).toBe(1);
    for await (const _ of first) break;
    expect(source.pulled).toBe(2);
    await objects.return?.();

    expect(source.closed).toBe(true);
    expect(source.pulled).toBe(2);
  });
});
