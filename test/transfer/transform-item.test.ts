import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect } from 'vitest';
import { openLocalStore } from '../../lib/store/local-store.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, leftovers, listOf, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;
const ROWS = Array.from({ length: 200_000 }, (_, row) => `${row},${row % 3 === 0 ? 'DE' : 'FR'},row ${row}\n`);
const CSV = Buffer.from(`id,country,name\n${ROWS.join('')}`);
const ZIPPED = gzipSync(CSV, { level: 1 });

async function tarOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, body] of Object.entries(files)) archive.entry({ name }, body);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const textOf = (rig: Rig, key: string) => readFile(join(rig.root, key), 'utf8');

describe('an item with transforms', () => {
  it('is stored as what its chain makes of it, and says so', async ({ rig }) => {
    rig.origin.on('/rows', { body: ZIPPED, headers: { ETag: '"v1"' } });
    const transform = ['gunzip', { name: 'csv', select: ['id'], where: "country = 'DE'" }];

    const [outcome] = await rig.run(listOf(rig, ['/rows'], {}, { transform }));

    const wanted = `id\n${ROWS.filter((_, row) => row % 3 === 0)
      .map((row) => `${row.split(',')[0]}\n`)
      .join('')}`;
    expect(await textOf(rig, 'rows')).toBe(wanted);
    expect(outcome).toMatchObject({
      outcome: 'stored',
      bytes: wanted.length,
      bytesIn: ZIPPED.length,
      rowsIn: 200_000,
      rowsOut: 66_667,
      verified: 'length',
    });
    const object = await openLocalStore(rig.root).head('rows');
    expect(object?.metadata['skyhaul-transform']).toMatch(/^gunzip,csv [0-9a-f]{8}$/);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('is read on unseen where its source breaks off, each byte once', async ({ rig }) => {
    const body = gzipSync(bytesOf('zip', 20 * MiB), { level: 1 });
    const cut = { cut: { afterBytes: body.length / 2, by: 'fin' } as const };
    rig.origin.on(
      '/z',
      ranged(body, '"v1"', ({ headers }) => (headers.range ? {} : cut)),
    );

    const [outcome] = await rig.run(listOf(rig, ['/z'], {}, { transform: ['gunzip'] }));

    expect(outcome).toMatchObject({ outcome: 'stored', resumes: 1, bytes: 20 * MiB, bytesIn: body.length });
    expect(bytesOf('zip', 20 * MiB).equals(await readFile(join(rig.root, 'z')))).toBe(true);
  });

  it('H43: begins again when its source changes, and stores nothing of two versions', async ({ rig }) => {
    let asked = 0;
    const old = gzipSync(bytesOf('old', 20 * MiB), { level: 1 });
    const fresh = gzipSync(bytesOf('new', 20 * MiB), { level: 1 });
    rig.origin.on('/z', (request) => {
      asked += 1;
      const cut = { cut: { afterBytes: old.length - 100, by: 'fin' } as const };
      return asked === 1 ? ranged(old, '"v1"', cut)(request) : ranged(fresh, '"v2"')(request);
    });

    const [outcome] = await rig.run(listOf(rig, ['/z'], {}, { transform: ['gunzip'] }));

    expect(outcome).toMatchObject({ outcome: 'stored', sourceEtag: '"v2"' });
    expect(bytesOf('new', 20 * MiB).equals(await readFile(join(rig.root, 'z')))).toBe(true);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H68: is proven by the digest of what was fetched before anything is stored', async ({ rig }) => {
    rig.origin.on('/good', { body: ZIPPED });
    rig.origin.on('/bad', { body: ZIPPED });
    const sha256 = createHash('sha256').update(ZIPPED).digest('hex');
    const item = (key: string, digest: string) => ({
      url: rig.origin.url(`/${key}`),
      key,
      sha256: digest,
      transform: ['gunzip'],
    });

    const outcomes = await rig.run({
      run: 'r',
      to: rig.root,
      items: [item('good', sha256), item('bad', '0'.repeat(64))],
    });

    expect(outcomes).toMatchObject([
      { outcome: 'stored', verified: 'digest', sha256 },
      { outcome: 'failed', error: 'DigestMismatch' },
    ]);
    await expect(textOf(rig, 'bad')).rejects.toThrow('ENOENT');
  });

  it('fails alone when its chain cannot read it', async ({ rig }) => {
    for (const path of ['/zip', '/fine']) rig.origin.on(path, { body: 'a\n1\n' });
    const item = (key: string, ...transform: unknown[]) => ({ url: rig.origin.url(`/${key}`), key, transform });

    const outcomes = await rig.run({
      run: 'r',
      to: rig.root,
      items: [item('zip', 'gunzip'), item('fine', 'csv')],
    });

    expect(outcomes).toMatchObject([
      { outcome: 'failed', error: 'TransformFailed' },
      { outcome: 'stored', rowsIn: 1, rowsOut: 1 },
    ]);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H69: is no bomb: what makes too much of little fails and leaves nothing', async ({ rig }) => {
    rig.origin.on('/bomb', { body: gzipSync(Buffer.alloc(200 * MiB), { level: 9 }) });

    const [outcome] = await rig.run(listOf(rig, ['/bomb'], {}, { transform: ['gunzip', 'gunzip'] }));
    const [ratio] = await rig.run({ ...listOf(rig, ['/bomb'], {}, { transform: ['gunzip'] }), run: 'ratio' });

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'TransformFailed' });
    expect(ratio).toMatchObject({ outcome: 'failed', error: 'TransformFailed' });
    expect(await leftovers(rig)).toEqual([]);
  });

  it('untar makes an object of each file, all of them or none', async ({ rig }) => {
    const archive = pack();
    const files = { 'a.txt': Buffer.from('first'), 'sub/b.bin': bytesOf('b', 9 * MiB), empty: Buffer.alloc(0) };
    for (const [name, body] of Object.entries(files)) archive.entry({ name }, body);
    archive.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    const body = gzipSync(Buffer.concat(chunks), { level: 1 });
    rig.origin.on('/good', { body });
    rig.origin.on('/bad', { body });
    const item = (key: string, more: object) => ({
      url: rig.origin.url(`/${key}`),
      key,
      transform: ['gunzip', 'untar'],
      ...more,
    });

    const outcomes = await rig.run({
      run: 'r',
      to: rig.root,
      items: [item('good', {}), item('bad', { md5: '0'.repeat(32) })],
    });

    expect(outcomes).toMatchObject([
      { outcome: 'stored', objects: ['good/a.txt', 'good/sub/b.bin', 'good/empty'], rowsOut: 3 },
      { outcome: 'failed', error: 'DigestMismatch' },
    ]);
    for (const [name, wanted] of Object.entries(files)) {
      expect(wanted.equals(await readFile(join(rig.root, 'good', name)))).toBe(true);
    }
    await expect(textOf(rig, 'bad/a.txt')).rejects.toThrow('ENOENT');
    expect(await leftovers(rig)).toEqual([]);
  });

  it('untar can be run again: what stands is left, and nothing is written', async ({ rig }) => {
    rig.origin.on('/tar', { body: await tarOf({ 'a.txt': 'a', 'b/c.txt': 'c' }) });
    const batch = (run: string, overwrite?: string) => ({
      ...listOf(rig, ['/tar'], overwrite ? { overwrite } : {}, { transform: ['untar'] }),
      run,
    });
    await rig.run(batch('one'));

    const [again] = await rig.run(batch('two'));
    const [never] = await rig.run(batch('three', 'never'));
    const [always] = await rig.run(batch('four', 'always'));

    expect(again).toMatchObject({ outcome: 'skipped', reason: 'unchanged', objects: ['tar/a.txt', 'tar/b/c.txt'] });
    expect(never).toMatchObject({ outcome: 'skipped', reason: 'exists', objects: [] });
    expect(always).toMatchObject({ outcome: 'skipped', reason: 'unchanged' });
  });

  it('untar stores nothing of an archive in which a name is a file and a folder', async ({ rig }) => {
    rig.origin.on('/tar', { body: await tarOf({ a: 'a', 'a/b': 'b' }) });

    const [outcome] = await rig.run(listOf(rig, ['/tar'], {}, { transform: ['untar'] }));

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'TransformFailed' });
    await expect(textOf(rig, 'tar/a')).rejects.toThrow('ENOENT');
    expect(await leftovers(rig)).toEqual([]);
  });

  it('is made anew when its transform is another one, although the source did not change', async ({ rig }) => {
    rig.origin.on('/rows', ({ headers }) =>
      headers['if-none-match'] === '"v1"'
        ? { status: 304, contentLength: 'none' }
        : { body: 'a\n1\n2\n', headers: { ETag: '"v1"' } },
    );
    const batch = (run: string, where: string) => ({
      ...listOf(rig, ['/rows'], { transform: [{ name: 'csv', where }] }),
      run,
    });
    await rig.run(batch('one', 'a = 1'));

    const [same] = await rig.run(batch('two', 'a = 1'));
    const [other] = await rig.run(batch('three', 'a = 2'));

    expect(same).toMatchObject({ outcome: 'skipped', reason: 'unchanged' });
    expect(other).toMatchObject({ outcome: 'stored', rowsOut: 1 });
    expect(await textOf(rig, 'rows')).toBe('a\n2\n');
  });
});
