import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { runMachine } from '../../cli/run-machine.ts';
import type { ReportEvent, TransferEvent } from '../../lib/contract/machine.ts';
import { definition, done, execution, input, planned, planner, run, summary } from './scripted-run.ts';

describe('a run in this process', () => {
  it('plans, fans out, plans again and gives the summary back', async () => {
    const { events, plan } = planner(planned('fan-out', { shards: 2 }), planned('report', { round: 1 }));
    const seen: TransferEvent[] = [];
    const reports: ReportEvent[] = [];

    const output = await run({
      plan,
      transfer: async (event) => {
        seen.push(event);
        return { ...event, next: 'done' };
      },
      report: async (event) => {
        reports.push(event);
        return { ...event, next: 'done', summary };
      },
    });

    expect(output).toEqual(summary);
    expect(events).toEqual([
      { execution, input },
      { execution, input: planned('fan-out', { shards: 2 }) },
    ]);
    expect(seen).toEqual([
      { run: 'run', round: 0, shard: { shard: 0, items: 1, lanes: 1 } },
      { run: 'run', round: 0, shard: { shard: 1, items: 1, lanes: 1 } },
    ]);
    expect(reports).toEqual([{ run: 'run' }]);
  });

  it('calls each of the three again for as long as it answers `continue`', async () => {
    const { events, plan } = planner(planned('continue'), planned('fan-out', { shards: 1 }), planned('report'));
    const calls = { transfer: 0, report: 0 };

    await run({
      plan,
      transfer: async (event) => ({ ...event, next: ++calls.transfer < 3 ? 'continue' : 'done' }),
      report: async (event) =>
        ++calls.report < 2 ? { ...event, next: 'continue' } : { ...event, next: 'done', summary },
    });

    expect(events).toHaveLength(3);
    expect(calls).toEqual({ transfer: 3, report: 2 });
  });

  it('says how long it waits, and waits before it plans again', async () => {
    const { plan } = planner(planned('wait', { waitSeconds: 1 }), planned('report'));
    const order: string[] = [];

    await run(
      {
        ...done,
        plan: async (event) => {
          order.push('plan');
          return plan(event);
        },
      },
      { onWait: (seconds) => order.push(`wait ${seconds}`) },
    );

    expect(order).toEqual(['plan', 'wait 1', 'plan']);
  });

  it.each([1, 3, 40])('works on %i of 40 shards at once, and on every one of them', async (maxConcurrency) => {
    const { plan } = planner(planned('fan-out', { shards: 40, maxConcurrency }), planned('report'));
    const seen = new Set<number>();
    let live = 0;
    let most = 0;

    await run({
      ...done,
      plan,
      transfer: async (event) => {
        seen.add(event.shard.shard);
        live += 1;
        most = Math.max(most, live);
        await sleep(5);
        live -= 1;
        return { ...event, next: 'done' };
      },
    });

    expect(seen.size).toBe(40);
    expect(most).toBe(maxConcurrency);
  });

  it('lets a shard take its time: nothing ends a handler in this process', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { plan } = planner(planned('fan-out', { shards: 1 }), planned('report'));
      const next: string[] = [];
      const output = run({
        ...done,
        plan,
        transfer: async (event) => {
          await new Promise((resolve) => setTimeout(resolve, 20 * 86_400_000));
          next.push('transferred');
          return { ...event, next: 'done' };
        },
        report: async (event) => {
          next.push('reported');
          return { ...event, next: 'done', summary };
        },
      });
      // The timers of the handler and of the interpreter must be there before the clock is moved.
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(2));

      await vi.advanceTimersByTimeAsync(20 * 86_400_000);

      await output;
      expect(next).toEqual(['transferred', 'reported']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('hands values over as JSON, as Lambda does, so that no handler can reach into another one', async () => {
    const answer = planned('report', { round: 7 });
    const { plan } = planner(answer);
    const event = { to: '/tmp/x', run: undefined };
    let received: unknown;

    await runMachine({
      definition,
      input: event,
      execution,
      signal: new AbortController().signal,
      handlers: {
        ...done,
        plan: async (planEvent) => {
          received = planEvent.input;
          return plan(planEvent);
        },
      },
    });

    expect(received).toStrictEqual({ to: '/tmp/x' });
  });

  it('refuses a distributed round, which only Step Functions can run', async () => {
    const { plan } = planner(planned('fan-out', { mode: 'distributed' }));

    await expect(run({ ...done, plan })).rejects.toMatchObject({
      name: 'Unexpected',
      message: expect.stringContaining('NoChoiceMatched'),
    });
  });

  it('leaves the definition as it was', async () => {
    const before = JSON.stringify(definition);
    const { plan } = planner(planned('fan-out', { shards: 1 }), planned('report'));

    await run({ ...done, plan });

    expect(JSON.stringify(definition)).toBe(before);
  });
});
