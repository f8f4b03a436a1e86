import { describe, expect } from 'vitest';
import type { Execution } from '../../cli/executions.ts';
import type { ShownEvent } from '../../cli/shown-event.ts';
import { pauseAfter, type Watch, watchRun } from '../../cli/watch-run.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { it, type Rig } from '../support/run-context.ts';

const execution = (status: Execution['status'], more: Partial<Execution> = {}): Execution => {
  return { arn: 'arn', status, startedAt: 0, error: undefined, cause: undefined, ...more };
};

function watch(rig: Rig, more: Partial<Watch> = {}) {
  const events: ShownEvent[] = [];
  const watched = watchRun({
    state: rig.context().state,
    run: 'r',
    execution: async () => execution('SUCCEEDED'),
    emit: (event) => events.push(event),
    now: Date.now,
    until: undefined,
    signal: new AbortController().signal,
    ...more,
  });
  return { events, watched };
}

const input = (rig: Rig) => ({ run: 'r', items: [{ url: rig.origin.url('/a'), key: 'a' }], to: rig.root });

describe('a run that is watched', () => {
  it('goes on until its execution has ended, and then has its summary', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    let asked = 0;
    const plan = await rig.plan(input(rig));
    const { events, watched } = watch(rig, {
      execution: async () => {
        asked += 1;
        if (asked === 1) return execution('RUNNING');
        await rig.transfer(plan);
        await rig.run(plan);
        return execution('SUCCEEDED');
      },
    });

    expect(await watched).toMatchObject({ end: 'summary', summary: { counts: { stored: 1 } } });
    expect(asked).toBe(2);
    expect(events.map(({ event }) => event)).toEqual([
      'run.position',
      'run.planned',
      'item.ended',
      'run.position',
      'run.reported',
    ]);
  });

  it('does not end with the summary of an earlier execution', async ({ rig }) => {
    await rig.run(input(rig));
    const failed = execution('FAILED', { error: 'StoreDenied' });

    expect(await watch(rig, { execution: async () => failed }).watched).toEqual({ end: 'failed', execution: failed });
  });

  it('that no execution is known of has ended when its report is there', async ({ rig }) => {
    const unknown = { execution: async () => undefined };
    await expect(watch(rig, unknown).watched).rejects.toMatchObject({ name: 'RunNotFound' });
    await rig.plan(input(rig));
    expect(await watch(rig, unknown).watched).toEqual({ end: 'failed', execution: undefined });

    await rig.run({ run: 'r', to: rig.root });

    expect(await watch(rig, unknown).watched).toMatchObject({ end: 'summary', summary: { run: 'r' } });
  });

  it('is left when the time to wait is up', async ({ rig }) => {
    await rig.plan(input(rig));
    const { watched } = watch(rig, { execution: async () => execution('RUNNING'), until: Date.now() });

    expect(await watched).toEqual({ end: 'timeout' });
  });

  it('is left at once by who does not want to see more', async ({ rig }) => {
    await rig.plan(input(rig));
    const stop = new AbortController();
    const { watched } = watch(rig, {
      signal: stop.signal,
      execution: async () => {
        setTimeout(() => stop.abort(), 50);
        return execution('RUNNING');
      },
    });

    await expect(watched).rejects.toMatchObject({ name: 'Interrupted' });
  });

  it('survives an answer that is lost, but not a denial', async ({ rig }) => {
    await rig.run(input(rig));
    const answers = [new SkyhaulError('AwsUnavailable', 'x'), new SkyhaulError('StoreThrottled', 'x')];
    const flaky = async () => {
      const error = answers.shift();
      if (error) throw error;
      return execution('SUCCEEDED');
    };

    expect(await watch(rig, { execution: flaky }).watched).toMatchObject({ end: 'summary' });
    const denied = () => Promise.reject(new SkyhaulError('AwsDenied', 'x'));
    await expect(watch(rig, { execution: denied }).watched).rejects.toMatchObject({ name: 'AwsDenied' });
  });

  it('is asked the more rarely the longer an answer takes', () => {
    expect([0, 100, 1_000, 60_000].map(pauseAfter)).toEqual([1_000, 1_000, 5_000, 30_000]);
  });
});
