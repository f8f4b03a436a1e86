import { type Handlers, readDefinition, runMachine } from '../../cli/run-machine.ts';
import type { PlanAnswer, PlanEvent } from '../../lib/contract/machine.ts';
import type { Summary } from '../../lib/contract/summary.ts';

/** Handlers with a script, and the run they are put into. */
export const definition = await readDefinition();
export const execution = { id: 'arn:local:run-1', name: 'run-1', startedAt: '2026-11-24T08:00:00.000Z' };
export const summary = { run: 'run', bytes: 12 } as Summary;
export const input = { to: '/tmp/x', items: [{ url: 'http://127.0.0.1/a' }] };

type Planned = { readonly shards?: number } & Partial<Omit<PlanAnswer, 'shards'>>;

/** One answer of the planner; `shards` is how many of them. */
export function planned(next: PlanAnswer['next'], more: Planned = {}): PlanAnswer {
  const { shards = 0, ...rest } = more;
  return {
    run: 'run',
    round: 0,
    next,
    waitSeconds: 0,
    maxConcurrency: 4,
    mode: 'inline',
    shardsAt: { bucket: '', key: '' },
    ...rest,
    shards: Array.from({ length: shards }, (_, shard) => ({ shard, items: 1, lanes: 1 })),
  };
}

/** A planner that gives these answers one after another. */
export function planner(...answers: PlanAnswer[]) {
  const events: PlanEvent[] = [];
  const plan = async (event: PlanEvent) => {
    events.push(event);
    const answer = answers.shift();
    if (!answer) throw new Error('the planner was asked once more than expected');
    return answer;
  };
  return { events, plan };
}

export const done: Pick<Handlers, 'transfer' | 'report'> = {
  transfer: async (event) => ({ ...event, next: 'done' }),
  report: async (event) => ({ ...event, next: 'done', summary }),
};

export function run(handlers: Handlers, more: { signal?: AbortSignal; onWait?: (seconds: number) => void } = {}) {
  return runMachine({ definition, input, handlers, execution, signal: new AbortController().signal, ...more });
}
