import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { openLocalStore } from '../../lib/store/local-store.ts';
import { META } from '../../lib/transfer/overwrite-policy.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, listOf, type Rig } from '../support/run-context.ts';

const TEXT = '0123456789abcdef';
const stored = (rig: Rig, key = 'f') => readFile(join(rig.root, key));

describe('a range of a source', () => {
  it.for([
    ['bytes=2-5', '2345'],
    ['bytes=10-', 'abcdef'],
    ['bytes=-3', 'def'],
    ['bytes=14-99', 'ef'],
    ['bytes=-99', TEXT],
    ['bytes=0-0', '0'],
  ])('%s alone becomes the object, and its metadata says so', async ([range = '', bytes = ''], { rig }) => {
    rig.origin.on('/f', ranged(TEXT, '"v1"'));

    const [outcome] = await rig.run(listOf(rig, ['/f'], {}, { range }));

    expect(outcome).toMatchObject({ outcome: 'stored', status: 206, bytes: bytes.length, verified: 'length' });
    expect(String(await stored(rig))).toBe(bytes);
    const store = openLocalStore(rig.root);
    expect((await store.head('f'))?.metadata[META.range]).toBe(range);
    await store.close();
  });

  it.for([
    ['the whole (200)', () => ({ body: TEXT, headers: { ETag: '"v1"' } })],
    ['416', ranged('01', '"v1"')],
    ['another range', () => ({ status: 206, body: '3456', headers: { 'Content-Range': 'bytes 3-6/16' } })],
    ['less of it', () => ({ status: 206, body: '234', headers: { 'Content-Range': 'bytes 2-4/16' } })],
  ] as const)('H38 H39 H40: %s instead is RangeNotServed, and nothing is stored', async ([, answer], { rig }) => {
    rig.origin.on('/f', answer);

    const [outcome] = await rig.run(listOf(rig, ['/f'], {}, { range: 'bytes=2-5' }));

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'RangeNotServed' });
    await expect(stored(rig)).rejects.toThrow();
  });

  it('H41 H42: a 206 that does not say what it holds, or holds another length, is a ProtocolError', async ({ rig }) => {
    rig.origin.on('/none', () => ({ status: 206, body: '2345' }));
    rig.origin.on('/long', () => ({ status: 206, body: '23456', headers: { 'Content-Range': 'bytes 2-5/16' } }));

    const outcomes = await rig.run(listOf(rig, ['/none', '/long'], {}, { range: 'bytes=2-5' }));

    expect(outcomes.map(({ error }) => error)).toEqual(['ProtocolError', 'ProtocolError']);
  });

  it.for(['bytes=1000-40000999', 'bytes=1000-', 'bytes=-40000000'])(
    'H02: %s goes on inside the range where its connection broke, of the pinned version',
    async (range, { rig }) => {
      const total = 41_000_000;
      let isCut = false;
      rig.origin.on(
        '/f',
        ranged({ seed: 1, bytes: total }, '"v1"', () => {
          if (isCut) return {};
          isCut = true;
          return { cut: { afterBytes: 20_000_000, by: 'rst' } };
        }),
      );

      const [outcome] = await rig.run(listOf(rig, ['/f'], {}, { range }));

      const [from, to] = range.startsWith('bytes=-')
        ? [1_000_000, total]
        : [1_000, range.endsWith('-') ? total : 40_001_000];
      expect(outcome).toMatchObject({ outcome: 'stored', bytes: to - from, resumes: 1 });
      expect((await stored(rig)).equals(bytesOf(1, to - from, from))).toBe(true);
      expect(rig.origin.requests).toHaveLength(2);
      expect(rig.origin.requests[1]?.headers['if-range']).toBe('"v1"');
    },
  );

  it('H43: begins again as a range when the source changes inside it', async ({ rig }) => {
    let asked = 0;
    rig.origin.on('/f', (request) => {
      asked += 1;
      const isOld = asked === 1;
      const cut = isOld ? { cut: { afterBytes: 20_000_000, by: 'rst' as const } } : {};
      return ranged({ seed: isOld ? 1 : 2, bytes: 41_000_000 }, isOld ? '"v1"' : '"v2"', cut)(request) as object;
    });

    const [outcome] = await rig.run(listOf(rig, ['/f'], {}, { range: 'bytes=1000-' }));

    expect(outcome).toMatchObject({ outcome: 'stored', sourceEtag: '"v2"' });
    expect((await stored(rig)).equals(bytesOf(2, 40_999_000, 1_000))).toBe(true);
  });

  it('a later invocation goes on with the upload of a range', async ({ rig }) => {
    let isCut = false;
    rig.origin.on(
      '/f',
      ranged({ seed: 1, bytes: 41_000_000 }, '"v1"', () => (isCut ? {} : { stall: { afterBytes: 25_000_000 } })),
    );
    const plan = await rig.plan(listOf(rig, ['/f'], {}, { range: 'bytes=-40000000' }));
    const stop = new AbortController();
    const going = rig.transfer(plan, rig.context({ signal: stop.signal }));
    await rig.until(async () => {
      const store = openLocalStore(rig.root);
      const uploads = [];
      for await (const upload of store.listUploads('')) uploads.push(...(await store.listParts(upload)));
      await store.close();
      return uploads.length >= 2;
    });
    isCut = true;
    stop.abort();
    await going;

    const [outcome] = await rig.run({ run: 'r', to: rig.root });

    expect(outcome).toMatchObject({ outcome: 'stored', bytes: 40_000_000 });
    expect((await stored(rig)).equals(bytesOf(1, 40_000_000, 1_000_000))).toBe(true);
    const [first, second] = rig.origin.requests.map(({ headers }) => headers.range);
    expect(first).toBe('bytes=-40000000');
    expect(second).toMatch(/^bytes=\d{8}-$/);
  });

  it('is unchanged only where the object holds the same range', async ({ rig }) => {
    rig.origin.on('/f', ranged(TEXT, '"v1"'));
    const ask = async (run: string, range?: string) =>
      (await rig.run({ ...listOf(rig, ['/f'], {}, range === undefined ? {} : { range }), run }))[0];
    await ask('a');

    const [other, same, whole] = [await ask('b', 'bytes=0-3'), await ask('c', 'bytes=0-3'), await ask('d')];

    expect(other).toMatchObject({ outcome: 'stored', bytes: 4 });
    expect(same).toMatchObject({ outcome: 'skipped', reason: 'unchanged' });
    expect(whole).toMatchObject({ outcome: 'stored', bytes: 16 });
  });
});
