import { describe, expect } from 'vitest';
import { RunFollower } from '../../cli/run-follower.ts';
import type { ShownEvent } from '../../cli/shown-event.ts';
import { LedgerWriter } from '../../lib/ledger/ledger-writer.ts';
import { it, type Rig } from '../support/run-context.ts';

function follow(rig: Rig) {
  const follower = new RunFollower(rig.context().state, 'r', () => rig.clock.now);
  return async () => {
    const events: ShownEvent[] = [];
    for await (const event of follower.poll()) events.push(event);
    return events;
  };
}

const input = (rig: Rig, paths: readonly string[]) => {
  return { run: 'r', items: paths.map((path) => ({ url: rig.origin.url(path), key: path.slice(1) })), to: rig.root };
};

describe('a run that is followed', () => {
  it('says nothing before its list was read', async ({ rig }) => {
    expect(await follow(rig)()).toEqual([]);
  });

  it('says where it is, what was planned and what ended, each thing once', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const poll = follow(rig);
    const plan = await rig.plan(input(rig, ['/a', '/b', '/a']));

    expect(await poll()).toEqual([
      {
        event: 'run.position',
        run: 'r',
        round: 0,
        counts: { stored: 0, skipped: 1, failed: 0 },
        left: 2,
        bytes: 0,
      },
      { event: 'run.planned', run: 'r', round: 0, items: 2, shards: plan.shards.length },
    ]);
    await rig.transfer(plan);
    const ended = await poll();

    expect(ended).toHaveLength(2);
    expect(ended).toEqual(
      expect.arrayContaining([
        { event: 'item.ended', index: 0, outcome: expect.objectContaining({ line: 1, outcome: 'stored', bytes: 1 }) },
        {
          event: 'item.ended',
          index: 1,
          outcome: expect.objectContaining({ line: 2, outcome: 'failed', error: 'NotFound' }),
        },
      ]),
    );
    expect(JSON.stringify(ended)).not.toContain('"row"');
    expect(await poll()).toEqual([]);
  });

  it('says how far a large file has come, by the parts that are stored', async ({ rig }) => {
    const bytes = 20 * 1024 * 1024;
    rig.origin.on('/large', { body: { seed: 1, bytes }, headers: { ETag: '"v1"' } });
    const poll = follow(rig);
    await rig.transfer(await rig.plan(input(rig, ['/large'])));

    const shown = (await poll()).flatMap((event) => (event.event === 'item.progress' ? [event] : []));

    expect(shown.map(({ line, totalBytes }) => [line, totalBytes])).toEqual([
      [1, bytes],
      [1, bytes],
      [1, bytes],
    ]);
    expect(shown.at(-1)?.bytes).toBe(bytes);
  });

  it('reads what a round left behind before it goes on to the next one', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    rig.origin.on('/b', [{ status: 503, headers: { 'Retry-After': '60' } }, { body: 'b' }]);
    const poll = follow(rig);
    const plan = await rig.plan(input(rig, ['/a', '/b']));
    await poll();
    await rig.transfer(plan);
    const waiting = await rig.plan(plan);

    const events = await poll();

    expect(waiting.next).toBe('wait');
    expect(events).toHaveLength(4);
    expect(events.slice(0, 2)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ event: 'item.ended' }),
        { event: 'item.retrying', line: 2, index: 1, error: 'Throttled', afterMs: 60_000 },
      ]),
    );
    expect(events.slice(2)).toMatchObject([
      { event: 'run.position', round: 1, counts: { stored: 1, skipped: 0, failed: 0 }, left: 1, bytes: 1 },
      { event: 'run.waiting', seconds: waiting.waitSeconds },
    ]);
  });

  it('says once that an item is to be tried again', async ({ rig }) => {
    rig.origin.on('/a', { status: 503, headers: { 'Retry-After': '60' } });
    const poll = follow(rig);
    await rig.transfer(await rig.plan(input(rig, ['/a'])));

    expect((await poll()).at(-1)).toEqual({
      event: 'item.retrying',
      line: 1,
      index: 0,
      error: 'Throttled',
      afterMs: 60_000,
    });
    expect(await poll()).toEqual([]);
  });

  it('counts an item once that two attempts have reported', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const poll = follow(rig);
    const plan = await rig.plan(input(rig, ['/a']));
    await rig.transfer(plan);
    const zombie = new LedgerWriter(rig.context().state, 'r', { round: 0, shard: 0, attempt: 'zombie' }, 60_000);
    zombie.append({ row: 'outcome', index: 0, line: 1, url: '', outcome: 'failed', attempts: 1 });
    await zombie.close();

    expect((await poll()).filter(({ event }) => event === 'item.ended')).toHaveLength(1);
  });

  it('begins in the middle for who comes late', async ({ rig }) => {
    rig.origin.on('/a', { body: 'aa' });
    const plan = await rig.plan(input(rig, ['/a', '/missing']));
    await rig.transfer(plan);
    await rig.plan(plan);

    expect(await follow(rig)()).toEqual([
      {
        event: 'run.position',
        run: 'r',
        round: 1,
        counts: { stored: 1, skipped: 0, failed: 1 },
        left: 0,
        bytes: 2,
      },
    ]);
  });
});
