import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { planAnswer } from '../../lib/contract/machine.ts';
import { historyEvents } from '../../lib/plan/fan-out-mode.ts';
import { fitRound, mostItems, runDoesNotFit } from '../../lib/plan/fit-run.ts';
import { newestStatus, readLeft, writeStatus } from '../../lib/plan/status.ts';
import { it, listOf } from '../support/run-context.ts';

const MiB = 1024 * 1024;
async function* toStream(text: string) {
  yield Buffer.from(text);
}

const round = { shards: 10_000, maxConcurrency: 10_000, eventsSoFar: 0 };

describe('fitRound', () => {
  it('takes what a distributed Map takes: 10,000 shards, 10,000 children at once', () => {
    expect(fitRound(round)).toEqual({ verdict: 'fits' });
  });

  it('refuses more shards or more children at once than a Map can have, with the number', () => {
    expect(fitRound({ ...round, shards: 10_001 })).toMatchObject({
      verdict: 'refuse',
      why: expect.stringMatching(/10001/),
    });
    expect(fitRound({ ...round, maxConcurrency: 20_000 })).toMatchObject({
      verdict: 'refuse',
      why: expect.stringMatching(/20000/),
    });
  });

  it('ends a run before its history reaches the 25,000 events at which Step Functions would, whatever its rounds', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 3_000, maxLength: 3_000 }), (rounds) => {
        let events = 0;
        for (const shards of rounds) {
          if (fitRound({ ...round, shards, eventsSoFar: events }).verdict === 'stop') break;
          events += historyEvents(shards);
        }

        expect(events).toBeGreaterThan(15_000);
        expect(events).toBeLessThanOrEqual(20_000);
      }),
      { numRuns: 20 },
    );
  });

  it('says that the run can be continued, since a new execution has a history of its own', () => {
    const fit = fitRound({ ...round, eventsSoFar: 24_000 });

    expect(fit).toMatchObject({ verdict: 'stop', why: expect.stringMatching(/24000.*continue the run/) });
  });
});

describe('runDoesNotFit', () => {
  it('lets a run take as long as an execution can live, less a day for its end', () => {
    expect(runDoesNotFit({ maxHours: 72 })).toBeUndefined();
    expect(runDoesNotFit({ maxHours: 8_736 })).toBeUndefined();
    expect(runDoesNotFit({ maxHours: 8_737 })).toMatch(/8737.*8736/);
  });
});

describe('the list', () => {
  it('may be as long as the memory of Plan allows, and on one machine as long as maxItems', () => {
    expect(mostItems(2_048 * MiB, false)).toBeGreaterThan(3_000_000);
    expect(mostItems(10_240 * MiB, false)).toBeGreaterThan(10_000_000);
    expect(mostItems(64 * MiB, false)).toBe(1_000);
    expect(mostItems(2_048 * MiB, true)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('Plan', () => {
  const deployed = { inProcess: false, deadline: Number.POSITIVE_INFINITY };

  it('refuses a deployed run that may outlive its execution, before anything is written', async ({ rig }) => {
    const input = listOf(rig, ['/a'], { maxHours: 8_760 });

    await expect(rig.plan(input, rig.context(deployed))).rejects.toMatchObject({
      name: 'BatchInvalid',
      message: expect.stringMatching(/8760/),
    });
    expect(await newestStatus(rig.context().state, 'r')).toBeUndefined();
  });

  it('refuses a list that is longer than its memory holds, and names the cure', async ({ rig }) => {
    const text = Array.from({ length: 1_001 }, (_, index) => `${rig.origin.url(`/${index}`)}\n`).join('');
    const openManifest = async () => ({ name: 'list.txt', etag: '"1"', bytes: toStream(text) });
    const input = { run: 'r', manifest: { uri: 's3://lists/list.txt' }, to: rig.root };

    await expect(
      rig.plan(input, rig.context({ ...deployed, openManifest, memoryBytes: 64 * MiB })),
    ).rejects.toMatchObject({
      name: 'BatchInvalid',
      message: expect.stringMatching(/more than 1000 lines.*memory\.plan/),
    });
  });

  it('reports a run whose history is full, and a new execution of it has a history of its own', async ({ rig }) => {
    const input = listOf(rig, ['/a']);
    const context = rig.context(deployed);
    const first = await rig.plan(input, context);
    const status = await newestStatus(context.state, 'r');
    if (!status) throw new Error('no status');
    await writeStatus(context.state, 'r', { ...status, historyEvents: 24_000 }, await readLeft(context.state, 'r', 0));

    const second = await rig.plan(first, context);
    const again = await rig.plan({ run: 'r', to: rig.root }, rig.context(deployed));

    expect([first.next, second.next, again.next]).toEqual(['fan-out', 'report', 'fan-out']);
    expect((await newestStatus(context.state, 'r'))?.historyEvents).toBe(0);
  });

  it('answers with far less than the 256 KiB that a payload holds, however wide the inline Map', () => {
    const shards = Array.from({ length: 40 }, () => ({ shard: 9_999, items: 1_000_000, lanes: 1_000_000 }));
    const shardsAt = { bucket: 'b'.repeat(63), key: '/'.padEnd(1_024, 'ü') };
    const answer = { run: 'r'.repeat(63), round: 1e6, next: 'fan-out', waitSeconds: 3_600, maxConcurrency: 10_000 };

    const text = JSON.stringify(planAnswer.parse({ ...answer, mode: 'inline', shards, shardsAt }));

    expect(Buffer.byteLength(text)).toBeLessThan(16 * 1024);
  });
});
