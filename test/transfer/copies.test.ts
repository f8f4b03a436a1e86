import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { MiB } from '../../lib/contract/limits.ts';
import { TO } from '../support/memory-context.ts';
import { type MemoryS3, startMemoryS3 } from '../support/memory-s3.ts';
import { it, leftovers } from '../support/run-context.ts';
import { asked, LARGE, list, onS3, read, toCopies } from './copies-fixture.ts';

let s3: MemoryS3;
beforeEach(async () => {
  s3 = await startMemoryS3({ buckets: ['bucket'] });
});
afterEach(() => s3.close());

describe('lines that ask for the same', () => {
  it('are fetched each where nobody says otherwise', async ({ rig }) => {
    rig.origin.on('/f', { body: 'bytes' });

    const outcomes = await rig.run({ ...list(rig, '/f', ['a', 'b']), options: {} });

    expect(outcomes.map(({ outcome, copiedFrom }) => [outcome, copiedFrom])).toEqual([
      ['stored', undefined],
      ['stored', undefined],
    ]);
    expect(asked(rig, '/f')).toBe(2);
  });

  it('are fetched once and copied, each line with one outcome of its own', async ({ rig }) => {
    rig.origin.on('/f', { body: 'bytes', headers: { ETag: '"v1"' } });
    rig.origin.on('/g', { body: 'others' });
    const items = ['a', 'sub/b', 'c', 'a'].map((key, index) => ({ url: rig.origin.url('/f'), key, id: `i${index}` }));

    const outcomes = await rig.run({
      ...list(rig, '/f', []),
      items: [...items, { url: rig.origin.url('/g'), key: 'g' }],
    });

    const same = { outcome: 'stored', bytes: 5, verified: 'length', sourceEtag: '"v1"', crc32: outcomes[0]?.crc32 };
    expect(outcomes).toMatchObject([
      { line: 1, key: 'a', id: 'i0', ...same },
      { line: 2, key: 'sub/b', id: 'i1', ...same, copiedFrom: 1, attempts: 1 },
      { line: 3, key: 'c', id: 'i2', ...same, copiedFrom: 1 },
      { line: 4, key: 'a', outcome: 'skipped', reason: 'duplicate' },
      { line: 5, key: 'g', outcome: 'stored', bytes: 6 },
    ]);
    expect(outcomes).toHaveLength(5);
    expect(outcomes[0]).not.toHaveProperty('copiedFrom');
    expect(asked(rig, '/f')).toBe(1);
    expect([await read(rig, 'a'), await read(rig, 'sub/b'), await read(rig, 'c')]).toEqual(['bytes', 'bytes', 'bytes']);
    expect(await leftovers(rig)).toEqual([]);
  });

  it.for([
    ['a directory', false],
    ['S3', true],
  ] as const)(
    'are copied with all that stands beside the bytes, empty, small and large ones, in %s',
    async ([, isS3], { rig }) => {
      const bodies = { '/empty': '', '/small': 'small', '/large': LARGE };
      const headers = { ETag: '"v1"', 'Content-Type': 'text/x-own', 'Content-Encoding': 'br' };
      for (const [path, body] of Object.entries(bodies)) rig.origin.on(path, { body, headers });
      const items = Object.keys(bodies).flatMap((path) =>
        ['one', 'two'].map((name) => ({ url: rig.origin.url(path), key: `${name}${path}`, metadata: { own: 'x' } })),
      );
      const more = isS3 ? onS3(s3) : {};
      const to = isS3 ? TO : rig.root;

      const outcomes = await rig.run({ run: 'r', to, items, options: { duplicates: 'copy' } }, more);

      expect(outcomes.map(({ outcome, copiedFrom }) => [outcome, copiedFrom])).toEqual(
        [undefined, 1, undefined, 3, undefined, 5].map((from) => ['stored', from]),
      );
      expect(rig.origin.requests).toHaveLength(3);
      const store = rig.context(more).openDestination(to);
      for (const path of Object.keys(bodies)) {
        const [one, two] = [await store.head(`one${path}`), await store.head(`two${path}`)];
        expect(two).toMatchObject({
          bytes: one?.bytes,
          crc32: one?.crc32,
          contentType: 'text/x-own',
          contentEncoding: 'br',
        });
        const { 'skyhaul-line': line, ...others } = one?.metadata ?? {};
        expect(two?.metadata).toEqual({ ...others, 'skyhaul-line': String(Number(line) + 1) });
        expect(others).toMatchObject({ own: 'x', 'skyhaul-source-etag': '"v1"' });
      }
      await store.close();
      expect([...s3.uploads()]).toEqual([]);
    },
  );

  it('are copied as a transform made them, one by one where the transforms differ', async ({ rig }) => {
    rig.origin.on('/f', { body: 'a\nb' });
    const item = (key: string, more: object) => ({ url: rig.origin.url('/f'), key, ...more });
    const items = [item('a', { transform: ['lines'] }), item('b', { transform: ['lines'] }), item('c', {})];

    const outcomes = await rig.run({ ...list(rig, '/f', []), items });

    expect(outcomes.map(({ copiedFrom }) => copiedFrom)).toEqual([undefined, 1, undefined]);
    expect([await read(rig, 'a'), await read(rig, 'b'), await read(rig, 'c')]).toEqual(['a\nb\n', 'a\nb\n', 'a\nb']);
    expect(asked(rig, '/f')).toBe(2);
  });

  it.for([
    ['headers', { headers: { accept: 'text/plain' } }, { headers: { accept: 'text/html' } }],
    ['the metadata to set', { metadata: { a: '1' } }, { metadata: { a: '2' } }],
    ['POST', { method: 'POST' }, { method: 'POST' }],
    ['results that are no objects', { result: 'inline' }, { result: 'inline' }],
  ] as const)('are fetched each where they have %s', async ([, one, other], { rig }) => {
    rig.origin.on('/f', { body: '{}' });
    const items = [one, other].map((more, index) => ({ url: rig.origin.url('/f'), key: `k${index}`, ...more }));

    const outcomes = await rig.run({ ...list(rig, '/f', []), items });

    expect(outcomes.map(({ outcome, copiedFrom }) => [outcome, copiedFrom])).toEqual([
      ['stored', undefined],
      ['stored', undefined],
    ]);
    expect(asked(rig, '/f')).toBe(2);
  });

  it('are fetched each where the source names the file', async ({ rig }) => {
    rig.origin.on('/f', [
      { body: 'x', headers: { 'Content-Disposition': 'attachment; filename="one"' } },
      { body: 'x', headers: { 'Content-Disposition': 'attachment; filename="two"' } },
    ]);
    const items = ['a', 'b'].map((id) => ({ url: rig.origin.url('/f'), id }));

    const outcomes = await rig.run({
      run: 'r',
      to: rig.root,
      items,
      options: { duplicates: 'copy', key: '{id}/{filename}' },
    });

    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['stored', 'stored']);
    expect(asked(rig, '/f')).toBe(2);
  });

  it('fail as the first one did, without being asked for, and are all in the failed list', async ({ rig }) => {
    rig.origin.on('/f', { status: 404 });

    const outcomes = await rig.run(list(rig, '/f', ['a', 'b', 'c']));

    expect(outcomes).toMatchObject([
      { key: 'a', outcome: 'failed', error: 'NotFound', status: 404, attempts: 1 },
      { key: 'b', outcome: 'failed', error: 'NotFound', status: 404, attempts: 0 },
      { key: 'c', outcome: 'failed', error: 'NotFound', status: 404, attempts: 0 },
    ]);
    expect(outcomes[1]?.message).toMatch(/^line 1 asks for the same and failed: /);
    expect(asked(rig, '/f')).toBe(1);
    const failed = await readFile(join(rig.root, '.skyhaul', 'runs', 'r', 'failed.jsonl'), 'utf8');
    expect(
      failed
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).key),
    ).toEqual(['a', 'b', 'c']);
  });

  it('wait as long as the first one is retried, and are copied then', async ({ rig }) => {
    rig.origin.on('/f', [{ status: 503, headers: { 'Retry-After': '3600' } }, { body: 'late' }]);

    const outcomes = await rig.run(list(rig, '/f', ['a', 'b']));

    expect(outcomes.map(({ outcome, copiedFrom }) => [outcome, copiedFrom])).toEqual([
      ['stored', undefined],
      ['stored', 1],
    ]);
    expect(asked(rig, '/f')).toBe(2);
  });

  it('are left, like the first one, where a limit ends the run', async ({ rig }) => {
    rig.origin.on('/f', { status: 503, headers: { 'Retry-After': '7200' } });

    const outcomes = await rig.run({ ...list(rig, '/f', ['a', 'b']), options: { duplicates: 'copy', maxHours: 1 } });

    expect(outcomes.map(({ error }) => error)).toEqual(['LimitReached', 'LimitReached']);
  });
});

describe('a run that is killed between a line and its copies', () => {
  it('loses nothing in Lambdas, whose workers end without a word', async ({ rig }) => {
    rig.origin.on('/f', { body: LARGE });
    const lambda = { ...onS3(s3), inProcess: false, memoryBytes: 512 * MiB };
    const input = { ...list(rig, '/f', ['a', 'b', 'c']), to: TO };
    const first = await rig.plan(input, rig.context(lambda));
    await rig.transfer(first, rig.context({ ...lambda, deadline: rig.clock.now + 900_000 }));
    const copies = await rig.plan(first, rig.context(lambda));
    // Killed before its first row: nothing of this round stands anywhere.
    const after = await rig.plan(copies, rig.context(lambda));

    const outcomes = await rig.run(after, lambda);

    expect(copies).toMatchObject({ next: 'fan-out' });
    expect(outcomes.map(({ outcome, copiedFrom }) => [outcome, copiedFrom])).toEqual([
      ['stored', undefined],
      ['stored', 1],
      ['stored', 1],
    ]);
    expect(asked(rig, '/f')).toBe(1);
    expect(s3.uploads()).toEqual([]);
  });

  it('goes on with the copies, and asks the source no more', async ({ rig }) => {
    rig.origin.on('/f', { body: 'bytes' });
    const input = list(rig, '/f', ['a', 'b', 'c']);
    await toCopies(rig, input);

    const outcomes = await rig.run(input, { isAlive: () => Promise.resolve(false) });

    expect(outcomes.map(({ copiedFrom }) => copiedFrom)).toEqual([undefined, 1, 1]);
    expect(asked(rig, '/f')).toBe(1);
  });

  it('keeps what was copied although its row was lost, one outcome for each line', async ({ rig }) => {
    rig.origin.on('/f', { body: LARGE });
    const input = list(rig, '/f', ['a', 'b']);
    const copies = await toCopies(rig, input);
    await rig.transfer(copies);
    const before = await rig.context().openDestination(rig.root).head('b');
    // As if the worker had died between the commit and the ledger.
    await rm(join(rig.root, '.skyhaul', 'runs', 'r', 'ledger', '0001'), { recursive: true });

    const outcomes = await rig.run(input, { isAlive: () => Promise.resolve(false) });

    expect(outcomes.map(({ line, outcome }) => [line, outcome])).toEqual([
      [1, 'stored'],
      [2, 'stored'],
    ]);
    expect(await rig.context().openDestination(rig.root).head('b')).toEqual(before);
    expect(asked(rig, '/f')).toBe(1);
  });
});
