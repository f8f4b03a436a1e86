import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { cleanRun } from '../../lib/janitor/clean-run.ts';
import { LedgerWriter } from '../../lib/ledger/ledger-writer.ts';
import { readShardLedger } from '../../lib/ledger/read-ledger.ts';
import { newestStatus, writeStatus } from '../../lib/plan/status.ts';
import { reportRun } from '../../lib/report/report-run.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { ObjectStore } from '../../lib/store/object-store.ts';
import { it, type Rig } from '../support/run-context.ts';

type Put = ObjectStore['put'];
const dead = { isAlive: () => Promise.resolve(false) };

function input(rig: Rig, paths: readonly string[], options: object = {}) {
  const items = paths.map((path) => ({ url: rig.origin.url(path), key: path.slice(1) }));
  return { run: 'r', items, to: rig.root, options };
}

/** The real store with one call of it replaced. */
function withPut(store: ObjectStore, put: Put): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'put') return put;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a run that ended badly', () => {
  it('goes on once the destination takes objects again', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const full = (to: string) =>
      withPut(openLocalStore(to), () => Promise.reject(new SkyhaulError('StoreFull', 'no room')));
    await expect(rig.run(input(rig, ['/a']), { openDestination: full })).rejects.toMatchObject({ name: 'StoreFull' });

    expect(await rig.run({ run: 'r', to: rig.root })).toMatchObject([{ outcome: 'stored' }]);
  });

  it('goes on however often it was stopped between its plan and its first row', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    for (let stops = 0; stops < 4; stops += 1) await rig.plan(input(rig, ['/a']));

    expect(await rig.run({ run: 'r', to: rig.root })).toMatchObject([{ outcome: 'stored' }]);
  });

  it('fails one key that cannot be written, not the others', async ({ rig }) => {
    for (const path of ['/a', '/b', '/c']) rig.origin.on(path, { body: path });
    const refuseB = (to: string) => {
      const store = openLocalStore(to);
      const denied = new SkyhaulError('StoreDenied', 'b: permission denied');
      return withPut(store, (key, ...rest) => (key === 'b' ? Promise.reject(denied) : store.put(key, ...rest)));
    };

    const batch = input(rig, ['/a', '/b', '/c'], { perHostConnections: 1 });
    const outcomes = await rig.run(batch, { openDestination: refuseB });

    expect(outcomes).toMatchObject([
      { outcome: 'stored' },
      { outcome: 'failed', error: 'StoreDenied' },
      { outcome: 'stored' },
    ]);
  });

  it('leaves no upload open that a killed process of it began', async ({ rig }) => {
    rig.clock.now = Date.now();
    rig.origin.on('/a', { body: 'a' });
    await rig.plan(input(rig, ['/a']));
    const store = openLocalStore(rig.root);
    await store.createUpload('a', {});

    await rig.run({ run: 'r', to: rig.root });

    for await (const upload of store.listUploads('')) expect(upload).toBeUndefined();
  });

  it('takes a corrected list under its id, and nothing of the one that was read half', async ({ rig }) => {
    for (const path of ['/a', '/b']) rig.origin.on(path, { body: path });
    const url = rig.origin.url('/a');
    const { state } = rig.context();
    const noStatus = new Proxy(state, {
      get(target, name) {
        if (name === 'putStream') return () => Promise.reject(new SkyhaulError('StoreFull', 'no room'));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const halfRead = { run: 'r', items: [{ url }, { url }], to: rig.root };
    await expect(rig.plan(halfRead, rig.context({ state: noStatus }))).rejects.toMatchObject({ name: 'StoreFull' });

    const outcomes = await rig.run({ run: 'r', items: [{ url }, { url: rig.origin.url('/b') }], to: rig.root });

    expect(outcomes).toMatchObject([{ outcome: 'stored' }, { outcome: 'stored' }]);
  });
});

describe('state that is older than it looks', () => {
  it('is no summary of a run that went on since', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    await rig.plan(input(rig, ['/a']));
    await cleanRun('r', rig.context({ ...dead, owner: { execution: 'janitor' } }));
    const plan = await rig.plan({ run: 'r', to: rig.root });
    await rig.transfer(plan);
    await rig.plan(plan);

    const first = await reportRun({ run: 'r' }, rig.context({ deadline: rig.clock.now + 60_000 }));
    const second = await reportRun({ run: 'r' }, rig.context());

    expect(first.next).toBe('continue');
    expect(second.summary?.counts).toEqual({ stored: 1, skipped: 0, failed: 0 });
  });

  it('is no object of this run, when a run of the same name stored it once', async ({ rig }) => {
    rig.origin.on('/a', { body: 'old' });
    await rig.run(input(rig, ['/a']));
    await rm(join(rig.root, '.skyhaul', 'runs'), { recursive: true });
    rig.clock.now += 31 * 86_400_000;
    rig.origin.on('/a', { body: 'new' });

    const [outcome] = await rig.run(input(rig, ['/a']));

    expect(outcome).toMatchObject({ outcome: 'stored', bytes: 3 });
    expect(await readFile(join(rig.root, 'a'), 'utf8')).toBe('new');
  });

  it('proves no digest that was declared since', async ({ rig }) => {
    rig.origin.on('/a', ({ headers }) =>
      headers['if-none-match'] === undefined
        ? { body: 'a', headers: { ETag: '"1"' } }
        : { status: 304, contentLength: 'none' },
    );
    await rig.run(input(rig, ['/a']));
    const sha256 = createHash('sha256').update('other').digest('hex');
    const items = [{ url: rig.origin.url('/a'), key: 'a', sha256 }];

    const [outcome] = await rig.run({ run: 'again', items, to: rig.root });

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'DigestMismatch' });
  });

  it('is the round with the largest number, not the last in the order of names', async ({ rig }) => {
    const { state } = rig.context();
    const spent = { put: 0, get: 0, gigabyteSeconds: 0, invocations: 0 };
    const status = {
      items: 1,
      left: 0,
      failed: 0,
      skipped: 0,
      bytes: 0,
      spent,
      idleRounds: 0,
      historyEvents: 0,
      busyUntil: 0,
    };
    for (const round of [9_999, 10_000]) await writeStatus(state, 'r', { ...status, manifestEtag: '', round }, []);

    expect((await newestStatus(state, 'r'))?.round).toBe(10_000);
  });
});

describe('the clock', () => {
  it('stands still for timeoutMs while a run is stopped', async ({ rig }) => {
    rig.origin.on('/a', { body: { seed: 1, bytes: 5_000_000 } });
    const plan = await rig.plan(input(rig, ['/a'], { timeoutMs: 600_000 }));
    const stop = new AbortController();
    const emit = ({ event }: { event: string }) => event === 'item.started' && stop.abort();
    await rig.transfer(plan, rig.context({ signal: stop.signal, emit }));
    rig.clock.now += 12 * 3_600_000;

    expect(await rig.run({ run: 'r', to: rig.root })).toMatchObject([{ outcome: 'stored' }]);
  });

  it('lets no round pass without a step, however short it is', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const plan = await rig.plan(input(rig, ['/a'], { roundMinutes: 0.000_001 }));
    rig.clock.now += 1_000;
    await rig.transfer(plan);

    expect(await rig.plan(plan)).toMatchObject({ next: 'report' });
  });
});

describe('two owners', () => {
  it('never plan one run: who slept while it was taken over plans nothing more', async ({ rig }) => {
    const plan = await rig.plan(input(rig, ['/a']));
    await rig.plan({ run: 'r', to: rig.root }, rig.context({ ...dead, owner: { execution: 'heir' } }));

    await expect(rig.plan(plan)).rejects.toMatchObject({ name: 'RunInUse' });
  });

  it('lose no row to a PUT whose answer was lost', async ({ rig }) => {
    const { state } = rig.context();
    let isLost = false;
    const losing = withPut(state, async (...given) => {
      const stored = await state.put(...given);
      if (isLost) return stored;
      isLost = true;
      throw new SkyhaulError('StoreUnavailable', 'no answer');
    });
    const address = { round: 0, shard: 0 };
    const writer = new LedgerWriter(losing, 'r', { ...address, attempt: 'x' }, 60_000);
    for (const index of [0, 1]) {
      writer.append({ row: 'deferred', index, line: index + 1, attempts: 1 });
      await writer.flush().catch(() => undefined);
    }
    await writer.close();

    const rows = (await readShardLedger(state, 'r', address)).flatMap((attempt) => attempt.rows);
    expect(new Set(rows.map((row) => 'index' in row && row.index))).toEqual(new Set([0, 1]));
  });
});
