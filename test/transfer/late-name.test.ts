import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { abortUploads } from '../../lib/plan/abort-uploads.ts';
import { memoryContext } from '../support/memory-context.ts';
import { startMemoryS3 } from '../support/memory-s3.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, leftovers, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;
const LARGE = bytesOf('large', 20 * MiB + 7);
const called = (name: string) => ({ 'Content-Disposition': `attachment; filename="${name}"` });

function named(rig: Rig, paths: readonly string[], options: object = {}, run = 'r') {
  const items = paths.map((path) => ({ url: rig.origin.url(path) }));
  return { run, items, to: rig.root, options: { key: 'in/{filename}', ...options } };
}

const stored = (rig: Rig, key: string) => readFile(join(rig.root, key), 'utf8');

describe('an object that is called what its source calls it', () => {
  it('takes the name from Content-Disposition, else from the URL that the redirects lead to', async ({ rig }) => {
    rig.origin.on('/get', { headers: called('report 1.pdf'), body: 'a' });
    rig.origin.on('/moved', { status: 302, headers: { Location: '/last/b%20c.txt?x' } });
    rig.origin.on('/last/b%20c.txt', { body: 'b' });
    rig.origin.on('/folder/', { body: 'c' });

    const outcomes = await rig.run(named(rig, ['/get', '/moved', '/folder/']));

    expect(outcomes.map(({ outcome, key }) => [outcome, key])).toEqual([
      ['stored', 'in/report 1.pdf'],
      ['stored', 'in/b c.txt'],
      ['stored', 'in/index.html'],
    ]);
    expect(await stored(rig, 'in/report 1.pdf')).toBe('a');
  });

  it('H70: stays where it belongs, whatever the source calls it', async ({ rig }) => {
    const names = ['../../up.txt', '..', 'CON.txt', 'a:b?.txt', 'x'.repeat(400), '.skyhaul', 'end.'];
    for (const [n, name] of names.entries()) rig.origin.on(`/${n}`, { headers: called(name), body: 'x' });

    const paths = names.map((_, n) => `/${n}`);
    const outcomes = await rig.run(named(rig, paths, { key: '{filename}' }));

    expect(outcomes.map(({ key }) => key)).toEqual([
      'up.txt',
      '1',
      '_CON.txt',
      'a_b_.txt',
      expect.stringMatching(/^x{183}~[0-9a-f]{16}$/),
      '_.skyhaul',
      'end_',
    ]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(names.map(() => 'stored'));
  });

  it('is refused to the second item of the run that is called the same, also for the same bytes', async ({ rig }) => {
    for (const path of ['/a', '/b', '/c']) rig.origin.on(path, { headers: called('same.txt'), body: path });
    rig.origin.on('/d', { headers: called('same.txt'), body: '/a' });

    const outcomes = await rig.run(named(rig, ['/a', '/b', '/c', '/d'], { perHostConnections: 1 }));

    expect(outcomes.map(({ outcome, error }) => error ?? outcome)).toEqual([
      'stored',
      'KeyConflict',
      'KeyConflict',
      'KeyConflict',
    ]);
    expect(outcomes[1]?.message).toBe(`line 1 of this run has stored ${rig.origin.url('/a')} as "in/same.txt"`);
    expect(await stored(rig, 'in/same.txt')).toBe('/a');
    expect(await leftovers(rig)).toEqual([]);
  });

  it('is refused, too, when the other one comes while it is read, whatever may be overwritten', async ({ rig }) => {
    rig.origin.on('/slow', { headers: called('same.txt'), body: 'slow', stall: { afterBytes: 2, forMs: 700 } });
    rig.origin.on('/fast', { headers: called('same.txt'), body: 'fast', delayMs: 200 });

    const outcomes = await rig.run(named(rig, ['/slow', '/fast'], { overwrite: 'always' }));

    expect(outcomes.map(({ outcome, error }) => error ?? outcome)).toEqual(['KeyConflict', 'stored']);
    expect(await stored(rig, 'in/same.txt')).toBe('fast');
  });

  it('is told apart from another item of its line that differs in the query alone', async ({ rig }) => {
    rig.origin.on('/get', { headers: called('same.txt'), body: 'x' });
    const text = rig.origin.url('/get?id={1,2}');
    const openManifest = async () => {
      async function* bytes() {
        yield Buffer.from(text);
      }
      return { name: 'l.txt', etag: '"1"', bytes: bytes() };
    };
    const input = { run: 'r', manifest: { uri: 'l.txt' }, to: rig.root, options: { key: '{filename}' } };

    const outcomes = await rig.run(input, { openManifest });

    expect(outcomes.map(({ line, outcome, error }) => [line, error ?? outcome]).sort()).toEqual([
      [1, 'KeyConflict'],
      [1, 'stored'],
    ]);
  });

  it('is fetched once for the same line twice', async ({ rig }) => {
    rig.origin.on('/a', { headers: called('same.txt'), body: 'x' });

    expect(await rig.run(named(rig, ['/a', '/a']))).toMatchObject([
      { outcome: 'stored' },
      { outcome: 'skipped', reason: 'duplicate' },
    ]);
    expect(rig.origin.requests).toHaveLength(1);
  });

  it('is left alone by a later run where nothing changed, and still refused to the second one', async ({ rig }) => {
    const headers = { ...called('same.txt'), ETag: '"1"' };
    rig.origin.on('/a', { headers, body: 'a' });
    rig.origin.on('/b', { headers, body: 'b' });
    await rig.run(named(rig, ['/a']));

    const outcomes = await rig.run(named(rig, ['/b', '/a'], {}, 'r2'));
    const always = await rig.run(named(rig, ['/b'], { overwrite: 'always' }, 'r3'));

    expect(outcomes).toMatchObject([
      { outcome: 'failed', error: 'KeyConflict', message: expect.stringContaining('overwrite: always') },
      { outcome: 'skipped', reason: 'unchanged' },
    ]);
    expect(always).toMatchObject([{ outcome: 'stored', key: 'in/same.txt' }]);
  });

  it('is not taken for another body, range or transform of the same URL by a later run', async ({ rig }) => {
    rig.origin.on('/post', ({ headers }) => ({
      headers: called('export.csv'),
      body: `answer to a body of ${headers['content-length']}`,
    }));
    rig.origin.on('/get', ranged(Buffer.from('0123456789'), '"1"', { headers: called('part.bin') }));
    const url = (path: string) => rig.origin.url(path);
    const pairs = [
      [
        { url: url('/post'), body: 'A' },
        { url: url('/post'), body: 'BB' },
      ],
      [
        { url: url('/get'), range: 'bytes=0-3' },
        { url: url('/get'), range: 'bytes=4-9' },
      ],
      [{ url: url('/get') }, { url: url('/get'), transform: ['gzip'] }],
    ];

    for (const [n, items] of pairs.entries()) {
      const options = { key: `${n}/{filename}`, perHostConnections: 1 };
      const first = await rig.run({ run: `first-${n}`, items, to: rig.root, options });
      const second = await rig.run({ run: `second-${n}`, items, to: rig.root, options });

      expect(first.map(({ outcome, error }) => error ?? outcome)).toEqual(['stored', 'KeyConflict']);
      expect(second[1]).toMatchObject({ outcome: 'failed', error: 'KeyConflict' });
    }
    expect(await stored(rig, '0/export.csv')).toBe('answer to a body of 1');
    expect(await stored(rig, '1/part.bin')).toBe('0123');
  });

  it('is not replaced by an item of the run that has the same name for a key', async ({ rig }) => {
    rig.origin.on('/named', { headers: called('x.txt'), body: 'named' });
    rig.origin.on('/keyed', { body: 'keyed' });
    const items = [
      { url: rig.origin.url('/named'), key: 'a/{filename}' },
      { url: rig.origin.url('/keyed'), key: 'a/x.txt' },
    ];

    for (const overwrite of ['if-changed', 'always']) {
      const to = join(rig.root, overwrite);
      const options = { overwrite, perHostConnections: 1 };
      const outcomes = await rig.run({ run: overwrite, items, to, options });

      expect(outcomes.map(({ outcome, error }) => error ?? outcome)).toEqual(['stored', 'KeyConflict']);
      expect(await stored(rig, `${overwrite}/a/x.txt`)).toBe('named');
    }
  });

  it('is recognised when the row that said so was lost', async ({ rig }) => {
    rig.origin.on('/a', { headers: called('a.txt'), body: 'a' });
    const plan = await rig.plan(named(rig, ['/a']));
    await rig.transfer(plan);
    const ledger = rig.context().state;
    for await (const { key } of ledger.list(runKeys('r').ledgerPrefix(0))) await ledger.delete(key);

    expect(await rig.run({ run: 'r', to: rig.root })).toMatchObject([{ outcome: 'stored', key: 'in/a.txt' }]);
    expect(await readdir(join(rig.root, 'in'))).toEqual(['a.txt']);
  });

  it('keeps its name when a later invocation goes on with it, whatever the source says then', async ({ rig }) => {
    let asked = 0;
    rig.origin.on('/f', (request) => {
      asked += 1;
      const answer = ranged(LARGE, '"v1"', asked === 1 ? { stall: { afterBytes: 12 * MiB } } : {})(request);
      return { ...answer, headers: { ...answer.headers, ...called(`name-${asked}.bin`) } };
    });
    const stop = new AbortController();
    const plan = await rig.plan(named(rig, ['/f']));

    const first = rig.transfer(plan, rig.context({ signal: stop.signal }));
    await rig.until(async () => (await partsInLedger(rig)) > 0);
    stop.abort();
    await first;
    const [outcome] = await rig.run({ run: 'r', to: rig.root });

    expect(outcome).toMatchObject({ outcome: 'stored', key: 'in/name-1.bin' });
    expect(LARGE.equals(await readFile(join(rig.root, 'in/name-1.bin')))).toBe(true);
    expect(rig.origin.requests.at(-1)?.headers.range).toBeDefined();
    expect(await readdir(join(rig.root, 'in'))).toEqual(['name-1.bin']);
  });

  it.for([
    ['in a folder', 'in/{filename}'],
    ['in a folder of another Unicode form, with what no file system takes', 'u\u0308 /a:b-{filename}'],
    ['behind something long', `${'n'.repeat(190)}{filename}`],
  ] as const)('leaves no upload behind when its run is given up: %s', async ([, key], { rig }) => {
    rig.origin.on('/f', () => ({
      headers: { ...called('f.bin'), ETag: '"1"' },
      body: LARGE,
      stall: { afterBytes: 12 * MiB },
    }));
    const stop = new AbortController();
    const plan = await rig.plan({ run: 'r', items: [{ url: rig.origin.url('/f'), key }], to: rig.root });
    const working = rig.transfer(plan, rig.context({ signal: stop.signal }));
    await rig.until(async () => (await partsInLedger(rig)) > 0);
    stop.abort();
    await working;
    const destination = rig.context().openDestination(rig.root);

    const aborted = await abortUploads(rig.context(), 'r', { destination, since: 0, items: 1 });

    expect(aborted).toBe(1);
    expect(await leftovers(rig)).toEqual([]);
    await destination.close();
  });

  it('has its place for the name in the failed list, where the source says it again', async ({ rig }) => {
    await rig.run(named(rig, ['/missing'], { key: '{item}-{filename}' }));

    const failed = JSON.parse(await stored(rig, '.skyhaul/runs/r/failed.jsonl'));

    expect(failed).toMatchObject({ key: '1-{filename}', error: { name: 'NotFound' } });
    rig.origin.on('/missing', { headers: called('found.txt'), body: 'x' });
    expect(await rig.run({ run: 'again', items: [failed], to: rig.root })).toMatchObject([
      { outcome: 'stored', key: '1-found.txt' },
    ]);
  });

  it.for([
    ['of many parts', {}],
    ['made by a transform', { transform: ['gzip'] }],
  ] as const)(
    'is refused in S3, too, when the other one comes while it is read: an object %s',
    async ([, more], { rig }) => {
      const s3 = await startMemoryS3({ buckets: ['bucket'] });
      const { openDestination } = memoryContext({ endpoint: s3.endpoint, memoryBytes: 0 }, 'a', () => undefined);
      const body = { seed: 1, bytes: 20 * MiB };
      const headers = { ...called('same.bin'), ETag: '"1"' };
      rig.origin.on('/slow', { headers, body, stall: { afterBytes: 19 * MiB, forMs: 2_500 } });
      rig.origin.on('/fast', { headers, body, delayMs: 300 });
      const items = ['/slow', '/fast'].map((path) => ({ url: rig.origin.url(path), ...more }));

      const outcomes = await rig.run(
        { run: 'r', items, to: 's3://bucket/data', options: { key: '{filename}' } },
        { openDestination },
      );

      expect(outcomes.map(({ outcome, error, key }) => [error ?? outcome, key])).toEqual([
        ['KeyConflict', 'same.bin'],
        ['stored', 'same.bin'],
      ]);
      expect(s3.objects().map(({ key }) => key)).toEqual(['data/same.bin']);
      expect(s3.uploads()).toEqual([]);
      await s3.close();
    },
  );
});

async function partsInLedger(rig: Rig): Promise<number> {
  const { state } = rig.context();
  let parts = 0;
  for await (const { key } of state.list(runKeys('r').ledgerPrefix(0))) {
    const found = await state.get(key);
    for await (const chunk of found?.body ?? [])
      parts += Buffer.from(chunk).toString().split('"row":"part"').length - 1;
  }
  return parts;
}
