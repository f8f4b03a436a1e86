import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect } from 'vitest';
import { bytesOf } from '../support/origin-bytes.ts';
import { it, leftovers, listOf } from '../support/run-context.ts';

const MiB = 1024 * 1024;

describe('a Transfer', () => {
  it('stores a body of several parts byte for byte, proven by length and CRC32', async ({ rig }) => {
    const body = bytesOf('big', 20 * MiB + 7);
    rig.origin.on('/big', { body, headers: { ETag: '"v1"', 'Content-Type': 'video/mp4' } });

    const [outcome] = await rig.run(listOf(rig, ['/big']));

    expect(outcome).toMatchObject({
      line: 1,
      key: 'big',
      outcome: 'stored',
      bytes: body.length,
      verified: 'length',
      sourceEtag: '"v1"',
      attempts: 1,
      crc32: crc32(body).toString(16).padStart(8, '0'),
    });
    expect(body.equals(await readFile(join(rig.root, 'big')))).toBe(true);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H24: stores an empty file', async ({ rig }) => {
    rig.origin.on('/empty', { body: '' });

    const [outcome] = await rig.run(listOf(rig, ['/empty']));

    expect(outcome).toMatchObject({ outcome: 'stored', bytes: 0, crc32: '00000000', verified: 'length' });
    expect(await readFile(join(rig.root, 'empty'))).toEqual(Buffer.alloc(0));
  });

  it('says how well a body is proven: chunked, or not at all when the connection just ends', async ({ rig }) => {
    rig.origin.on('/chunked', { body: bytesOf(1, 9 * MiB), framing: 'chunked' });
    rig.origin.on('/eof', { body: 'until the end', framing: 'eof' });

    const outcomes = await rig.run(listOf(rig, ['/chunked', '/eof']));

    expect(outcomes).toMatchObject([
      { outcome: 'stored', verified: 'chunked', bytes: 9 * MiB },
      { outcome: 'stored', verified: 'unverified', bytes: 13 },
    ]);
  });

  it.for(['fin', 'rst'] as const)(
    'H01, H02: starts over when the body is cut by %s, and stores no mixture',
    async (by, { rig }) => {
      const body = bytesOf('cut', 10 * MiB);
      rig.origin.on('/cut', [{ body, cut: { afterBytes: 9 * MiB, by } }, { body }]);

      const [outcome] = await rig.run(listOf(rig, ['/cut']));

      expect(outcome).toMatchObject({ outcome: 'stored', attempts: 2 });
      expect(body.equals(await readFile(join(rig.root, 'cut')))).toBe(true);
      expect(await leftovers(rig)).toEqual([]);
    },
  );

  it('leaves nothing behind of an item that never succeeds, and stores its neighbours', async ({ rig }) => {
    rig.origin.on('/bad', { body: bytesOf(2, 9 * MiB), cut: { afterBytes: 8.5 * MiB, by: 'rst' } });
    rig.origin.on('/good', { body: 'good' });

    const outcomes = await rig.run(listOf(rig, ['/bad', '/good', '/none']));

    expect(outcomes).toMatchObject([
      { outcome: 'failed', error: 'ConnectionLost', attempts: 5 },
      { outcome: 'stored' },
      { outcome: 'failed', error: 'NotFound', status: 404, attempts: 1 },
    ]);
    expect((await readdir(rig.root)).sort()).toEqual(['.skyhaul', 'good']);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H68: stores nothing whose size or digest is not the declared one', async ({ rig }) => {
    rig.origin.on('/file', { body: 'hello' });
    const sha256 = createHash('sha256').update('hello').digest('hex');
    const url = rig.origin.url('/file');
    const items = [
      { url, key: 'right', size: 5, sha256, md5: '5d41402abc4b2a76b9719d911017c592', crc32c: '9a71bb4c' },
      { url, key: 'size', size: 6 },
      { url, key: 'sha256', sha256: '0'.repeat(64) },
      { url, key: 'md5', md5: '0'.repeat(32) },
      { url, key: 'crc32c', crc32c: '00000000' },
    ];

    const outcomes = await rig.run({ run: 'r', items, to: rig.root });

    expect(outcomes).toMatchObject([
      { outcome: 'stored', verified: 'digest', sha256 },
      { outcome: 'failed', error: 'SizeMismatch' },
      { outcome: 'failed', error: 'DigestMismatch' },
      { outcome: 'failed', error: 'DigestMismatch' },
      { outcome: 'failed', error: 'DigestMismatch' },
    ]);
    expect((await readdir(rig.root)).sort()).toEqual(['.skyhaul', 'right']);
  });

  it('H30: cuts a body that is larger than maxBytes, announced or not', async ({ rig }) => {
    rig.origin.on('/announced', { body: 'x'.repeat(101) });
    rig.origin.on('/endless', { body: { seed: 1, bytes: 64 * MiB }, framing: 'chunked' });

    const outcomes = await rig.run(listOf(rig, ['/announced', '/endless'], { maxBytes: 100 }));

    expect(outcomes).toMatchObject([{ error: 'TooLarge' }, { error: 'TooLarge' }]);
    expect(await readdir(rig.root)).toEqual(['.skyhaul']);
  });

  it('H67: refuses what `expect` does not expect', async ({ rig }) => {
    rig.origin.on('/login', { body: '<html>', headers: { 'Content-Type': 'text/html; charset=utf-8' } });
    const url = rig.origin.url('/login');
    const items = [
      { url, key: 'type', expect: { contentType: 'application/zip' } },
      { url, key: 'least', expect: { minBytes: 7 } },
      { url, key: 'fine', expect: { contentType: 'text/html', minBytes: 6 } },
    ];

    const outcomes = await rig.run({ run: 'r', items, to: rig.root });

    expect(outcomes).toMatchObject([
      { error: 'UnexpectedContent' },
      { error: 'UnexpectedContent' },
      { outcome: 'stored' },
    ]);
  });

  it('ends an item that takes longer than its timeoutMs', async ({ rig }) => {
    rig.origin.on('/stall', { body: 'x'.repeat(100), stall: { afterBytes: 50 } });

    const [outcome] = await rig.run(listOf(rig, ['/stall'], {}, { timeoutMs: 200 }));

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'ItemTimeout', attempts: 1 });
  });

  it('asks no host for more connections at once than perHostConnections', async ({ rig }) => {
    const paths = Array.from({ length: 24 }, (_, index) => `/file-${index}`);
    for (const path of paths) rig.origin.on(path, { body: path, delayMs: 5 });

    const outcomes = await rig.run(listOf(rig, paths, { perHostConnections: 3 }));

    expect(outcomes.every(({ outcome }) => outcome === 'stored')).toBe(true);
    expect(rig.origin.connections.max).toBe(3);
  });

  it('H62: parks the whole host when it asks for more time than a lane sleeps, without counting for its other items', async ({
    rig,
  }) => {
    rig.origin.on('/busy', [{ status: 429, headers: { 'Retry-After': '120' } }, { body: 'busy' }]);
    rig.origin.on('/next', { body: 'next' });
    const first = await rig.plan(listOf(rig, ['/busy', '/next'], { perHostConnections: 1 }));

    await rig.transfer(first);
    const second = await rig.plan(first);

    expect(second).toMatchObject({ next: 'wait', waitSeconds: 120 });
    expect(rig.origin.requests.map(({ path }) => path)).toEqual(['/busy']);
    const outcomes = await rig.run(second);
    expect(outcomes).toMatchObject([
      { outcome: 'stored', attempts: 2 },
      { outcome: 'stored', attempts: 1 },
    ]);
  });

  it('begins one item of a shard that comes late, so that every round goes forward, and no second one', async ({
    rig,
  }) => {
    for (const path of ['/a', '/b']) rig.origin.on(path, { body: path });
    const plan = await rig.plan(listOf(rig, ['/a', '/b'], { perHostConnections: 1 }));
    rig.clock.now += 5 * 60_000;

    await rig.transfer(plan);

    expect(rig.origin.requests.map(({ path }) => path)).toEqual(['/a']);
    expect(await rig.plan(plan)).toMatchObject({ next: 'fan-out', round: 1 });
  });

  it('stops cleanly in the middle of a body: nothing stays, and the attempt does not count', async ({ rig }) => {
    const body = bytesOf('stop', 10 * MiB);
    const stop = new AbortController();
    rig.origin.on('/stop', () => {
      setTimeout(() => stop.abort(), 50);
      return { body, stall: { afterBytes: 9 * MiB, forMs: 2_000 } };
    });
    const plan = await rig.plan(listOf(rig, ['/stop']));

    await rig.transfer(plan, rig.context({ signal: stop.signal }));

    expect((await readdir(rig.root)).sort()).toEqual(['.skyhaul']);
    expect(await leftovers(rig)).toEqual([]);
    rig.origin.on('/stop', { body });
    const [outcome] = await rig.run({ run: 'r', to: rig.root });
    expect(outcome).toMatchObject({ outcome: 'stored', attempts: 1 });
  });

  it('gives an item that the deadline cut an invocation of its own, and says NotResumable when that is too short', async ({
    rig,
  }) => {
    rig.origin.on('/slow', { body: 'x'.repeat(100), stall: { afterBytes: 50 } });
    const lambda = () => ({ deadline: rig.clock.now + 30_200, inProcess: false, memoryBytes: 256 * MiB });

    const plan = await rig.plan(listOf(rig, ['/slow']), rig.context({ inProcess: true }));
    await rig.transfer(plan, rig.context(lambda()));
    const again = await rig.plan(plan);
    await rig.transfer(again, rig.context(lambda()));
    const last = await rig.plan(again);

    expect(last.next).toBe('report');
    const [outcome] = await rig.run(last);
    expect(outcome).toMatchObject({ outcome: 'failed', error: 'NotResumable' });
  });

  it('recognises what it stored before a crash lost the row, and fetches it no second time', async ({ rig }) => {
    rig.origin.on('/once', { body: 'once' });
    const plan = await rig.plan(listOf(rig, ['/once']));
    await rig.transfer(plan);
    const round = join(rig.root, '.skyhaul', 'runs', 'r', 'ledger', '0000', '00000');
    for (const name of await readdir(round)) await writeFile(join(round, name), '');

    const [outcome] = await rig.run(plan);

    expect(outcome).toMatchObject({ outcome: 'stored', bytes: 4, verified: 'length' });
    expect(rig.origin.requests.length).toBe(1);
  });

  it('I11: with `if-changed` moves nothing that did not change, by ETag or by content', async ({ rig }) => {
    rig.origin.on('/etag', ({ headers }) =>
      headers['if-none-match'] === '"v1"'
        ? { status: 304, contentLength: 'none' }
        : { body: 'same', headers: { ETag: '"v1"' } },
    );
    rig.origin.on('/plain', { body: 'same' });
    const batch = listOf(rig, ['/etag', '/plain']);
    await rig.run(batch);

    const outcomes = await rig.run({ ...batch, run: 'again' });

    expect(outcomes).toMatchObject([
      { outcome: 'skipped', reason: 'unchanged', status: 304 },
      { outcome: 'skipped', reason: 'unchanged', status: 200 },
    ]);
  });

  it('with `if-changed` replaces what did change, with `never` what stands is left alone', async ({ rig }) => {
    rig.origin.on('/file', { body: 'old' });
    await rig.run(listOf(rig, ['/file']));
    rig.origin.on('/file', { body: 'new' });

    const [never] = await rig.run({ ...listOf(rig, ['/file'], { overwrite: 'never' }), run: 'never' });
    const [changed] = await rig.run({ ...listOf(rig, ['/file']), run: 'changed' });

    expect(never).toMatchObject({ outcome: 'skipped', reason: 'exists' });
    expect(changed).toMatchObject({ outcome: 'stored' });
    expect(await readFile(join(rig.root, 'file'), 'utf8')).toBe('new');
  });

  it('S15: reports a conflict when somebody else writes the key meanwhile, and leaves their file alone', async ({
    rig,
  }) => {
    rig.origin.on('/raced', async () => {
      await writeFile(join(rig.root, 'raced'), 'theirs');
      return { body: 'ours' };
    });

    const [outcome] = await rig.run(listOf(rig, ['/raced']));

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'CommitConflict' });
    expect(await readFile(join(rig.root, 'raced'), 'utf8')).toBe('theirs');
  });
});
