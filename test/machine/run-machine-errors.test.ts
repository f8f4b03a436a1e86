import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { done, planned, planner, run, summary } from './scripted-run.ts';

describe('errors of a run in this process', () => {
  it('throws what the planner threw, the very error with its details, without asking again', async () => {
    const error = new SkyhaulError('ManifestInvalid', '2 lines are not valid', { problems: ['line 1', 'line 2'] });
    let asked = 0;

    const failure = run({
      ...done,
      plan: async () => {
        asked += 1;
        throw error;
      },
    });

    await expect(failure).rejects.toBe(error);
    expect(asked).toBe(1);
  });

  it('throws what the report threw', async () => {
    const error = new SkyhaulError('StoreFull', 'no room left');
    const { plan } = planner(planned('report'));

    await expect(run({ ...done, plan, report: () => Promise.reject(error) })).rejects.toBe(error);
  });

  it('calls a bug `Unexpected`, as the Lambda handlers do', async () => {
    const bug = new TypeError('x is not a function');

    await expect(run({ ...done, plan: () => Promise.reject(bug) })).rejects.toMatchObject({
      name: 'Unexpected',
      cause: bug,
    });
  });

  it('asks the planner again when the store throttles', async () => {
    const { plan } = planner(planned('report'));
    let failures = 1;

    const output = await run({
      ...done,
      plan: async (event) => {
        if (failures-- > 0) throw new SkyhaulError('StoreThrottled', 'slow down');
        return plan(event);
      },
    });

    expect(output).toEqual(summary);
  });

  it('L14: goes on when a shard throws, whatever it throws, and lets the other shards finish', async () => {
    const { events, plan } = planner(planned('fan-out', { shards: 6, maxConcurrency: 6 }), planned('report'));
    const thrown = ['States.Timeout', 'Sandbox.Timedout', 'Lambda.Unknown', 'Runtime.ExitError', 'TypeError'];
    const finished: number[] = [];

    await run({
      ...done,
      plan,
      transfer: async (event) => {
        const name = thrown[event.shard.shard];
        if (name) throw Object.assign(new Error('gone'), { name });
        await sleep(20);
        finished.push(event.shard.shard);
        return { ...event, next: 'done' };
      },
    });

    expect(finished).toEqual([5]);
    expect(events).toHaveLength(2);
  });
});

describe('an abort', () => {
  it('ends with `Interrupted` only when every shard in flight has cleaned up, and begins no other one', async () => {
    const { events, plan } = planner(planned('fan-out', { shards: 40, maxConcurrency: 3 }));
    const controller = new AbortController();
    const begun: number[] = [];
    const cleanedUp: number[] = [];

    const failure = run(
      {
        ...done,
        plan,
        transfer: async (event) => {
          begun.push(event.shard.shard);
          if (begun.length === 3) setImmediate(() => controller.abort());
          await sleep(60_000, undefined, { signal: controller.signal }).catch(() => undefined);
          await sleep(50);
          cleanedUp.push(event.shard.shard);
          return { ...event, next: 'continue' };
        },
      },
      { signal: controller.signal },
    );

    await expect(failure).rejects.toMatchObject({ name: 'Interrupted' });
    expect(begun).toEqual([0, 1, 2]);
    expect(cleanedUp).toEqual([0, 1, 2]);
    // Nothing of it goes on behind our back either.
    await sleep(50);
    expect(begun).toEqual([0, 1, 2]);
    expect(events).toHaveLength(1);
  });

  it('ends a wait at once', async () => {
    const { events, plan } = planner(planned('wait', { waitSeconds: 3_600 }));
    const controller = new AbortController();

    const failure = run({ ...done, plan }, { signal: controller.signal, onWait: () => controller.abort() });

    await expect(failure).rejects.toMatchObject({ name: 'Interrupted' });
    await sleep(20);
    expect(events).toHaveLength(1);
  });

  it('ends the pause before a retry at once, without another try', async () => {
    const controller = new AbortController();
    let asked = 0;

    const failure = run(
      {
        ...done,
        plan: async () => {
          asked += 1;
          setTimeout(() => controller.abort(), 10);
          throw new SkyhaulError('StoreUnavailable', 'no answer');
        },
      },
      { signal: controller.signal },
    );

    await expect(failure).rejects.toMatchObject({ name: 'Interrupted' });
    await sleep(20);
    expect(asked).toBe(1);
  });

  it('before the start starts nothing', async () => {
    const { events, plan } = planner(planned('report'));

    await expect(run({ ...done, plan }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'Interrupted',
    });
    expect(events).toEqual([]);
  });
});
