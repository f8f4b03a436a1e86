import { describe, expect } from 'vitest';
import { cleanRun, cleanRuns } from '../../lib/janitor/clean-run.ts';
import { LedgerWriter } from '../../lib/ledger/ledger-writer.ts';
import { requestStop } from '../../lib/ledger/stop-marker.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import { it, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;
const dead = { isAlive: () => Promise.resolve(false), owner: { execution: 'janitor' } };

function deployed(rig: Rig) {
  return rig.context({ inProcess: false, deadline: rig.clock.now + 900_000, memoryBytes: 256 * MiB });
}

function input(rig: Rig, paths: readonly string[]) {
  return { run: 'r', items: paths.map((path) => ({ url: rig.origin.url(path), key: path.slice(1) })), to: rig.root };
}

describe('the janitor', () => {
  it('L15: aborts what a stopped run left open, and nothing else, and reports what there is', async ({ rig }) => {
    // Uploads carry the time of the file system.
    rig.clock.now = Date.now();
    await rig.plan(input(rig, ['/a', '/b']));
    const store = openLocalStore(rig.root);
    await store.createUpload('a', {});
    await store.createUpload('b', {});
    await store.createUpload('somebody-elses', {});

    const cleaned = await cleanRun('r', rig.context(dead));

    const open: string[] = [];
    for await (const { key } of store.listUploads('')) open.push(key);
    expect(cleaned).toEqual({ state: 'reported', aborted: 2 });
    expect(open).toEqual(['somebody-elses']);
    expect(await rig.outcomes('r')).toMatchObject([
      { line: 1, outcome: 'failed', error: 'Interrupted' },
      { line: 2, outcome: 'failed', error: 'Interrupted' },
    ]);
  });

  it('I2: aborts what was open of the files of an archive, below its key', async ({ rig }) => {
    rig.clock.now = Date.now();
    const items = [{ url: rig.origin.url('/a.tar'), key: 'a', transform: ['untar'] }];
    await rig.plan({ run: 'r', items, to: rig.root });
    const store = openLocalStore(rig.root);
    await store.createUpload('a/one', {});
    await store.createUpload('a/sub/two', {});
    await store.createUpload('ab', {});

    const cleaned = await cleanRun('r', rig.context(dead));

    const open: string[] = [];
    for await (const { key } of store.listUploads('')) open.push(key);
    expect(cleaned).toEqual({ state: 'reported', aborted: 2 });
    expect(open).toEqual(['ab']);
  });

  it('leaves a run alone whose execution is alive', async ({ rig }) => {
    await rig.plan(input(rig, ['/a']));

    expect(await cleanRun('r', rig.context({ owner: { execution: 'janitor' } }))).toEqual({ state: 'running' });
  });

  it('waits until no worker can live any more', async ({ rig }) => {
    await rig.plan(input(rig, ['/a']));
    const until = rig.clock.now + 1_000;
    const ledger = new LedgerWriter(rig.context().state, 'r', { round: 0, shard: 0, attempt: 'zombie' }, 60_000);
    ledger.append({ row: 'started', at: rig.clock.now, livesUntil: until });
    await ledger.close();

    expect(await cleanRun('r', rig.context(dead))).toEqual({ state: 'busy', until });
    rig.clock.now = until;
    expect(await cleanRun('r', rig.context(dead))).toMatchObject({ state: 'reported' });
  });

  it('I2: waits for a worker of a round that is folded already, too', async ({ rig }) => {
    const plan = await rig.plan(input(rig, ['/a']), deployed(rig));
    const until = rig.clock.now + 60_000;
    const ledger = new LedgerWriter(rig.context().state, 'r', { round: 0, shard: 0, attempt: 'zombie' }, 60_000);
    ledger.append({ row: 'started', at: rig.clock.now, livesUntil: until });
    await ledger.close();
    expect(await rig.plan(plan, deployed(rig))).toMatchObject({ next: 'wait', round: 1 });

    expect(await cleanRun('r', rig.context(dead))).toEqual({ state: 'busy', until });
    rig.clock.now = until;
    expect(await cleanRun('r', rig.context(dead))).toMatchObject({ state: 'reported' });
  });

  it('does nothing the second time, nor where a run ended well', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    await rig.run(input(rig, ['/a']));
    const seen: unknown[] = [];

    await cleanRuns(rig.context(dead), (run, cleaned) => seen.push([run, cleaned]));

    expect(seen).toEqual([['r', { state: 'clean' }]]);
    expect(await rig.outcomes('r')).toMatchObject([{ outcome: 'stored' }]);
  });

  it('lets the run be continued under its id, with no stored item fetched again', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    rig.origin.on('/b', [{ status: 503, headers: { 'Retry-After': '60' } }, { body: 'b' }]);
    await rig.transfer(await rig.plan(input(rig, ['/a', '/b'])));
    await cleanRun('r', rig.context(dead));
    rig.clock.now += 60_000;

    const outcomes = await rig.run({ run: 'r', to: rig.root });

    expect(outcomes).toMatchObject([{ outcome: 'stored' }, { outcome: 'stored', attempts: 2 }]);
    expect(rig.origin.requests.filter(({ path }) => path === '/a').length).toBe(1);
  });
});

describe('a run that is asked to stop', () => {
  it('begins nothing: neither a worker that starts late nor the next round', async ({ rig }) => {
    const plan = await rig.plan(input(rig, ['/a']));
    await requestStop(rig.context().state, 'r');

    await rig.transfer(plan, deployed(rig));

    expect(rig.origin.requests).toEqual([]);
    expect(await rig.plan(plan)).toMatchObject({ next: 'report' });
  });

  it('gives up what is under way, within seconds, and leaves nothing open', async ({ rig }) => {
    rig.origin.on('/slow', { body: { seed: 1, bytes: 10 * MiB }, stall: { afterBytes: 9 * MiB } });
    const plan = await rig.plan(input(rig, ['/slow']));

    const transferring = rig.transfer(plan, deployed(rig));
    setTimeout(() => void requestStop(rig.context().state, 'r'), 200);
    await transferring;

    const open: string[] = [];
    for await (const { key } of openLocalStore(rig.root).listUploads('')) open.push(key);
    expect(open).toEqual([]);
    expect(rig.origin.connections.open).toBe(0);
    expect(await rig.plan(plan)).toMatchObject({ next: 'report' });
  });
});
