import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'vitest';
import type { PlanAnswer, TransferAnswer } from '../../lib/contract/machine.ts';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { getLines } from '../../lib/ledger/json-lines.ts';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { planRun } from '../../lib/plan/plan-run.ts';
import { reportRun } from '../../lib/report/report-run.ts';
import type { RunContext, RunEvent } from '../../lib/run-context.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import { transferShard } from '../../lib/transfer/transfer-shard.ts';
import { type Origin, startOrigin } from './origin.ts';

/**
 * A run without a state machine around it: the real entry points of the engine on a real directory and real sockets, one
 * call at a time. `clock` and `context` may be changed between calls.
 */
export interface Rig {
  readonly root: string;
  readonly origin: Origin;
  readonly events: RunEvent[];
  readonly clock: { now: number };
  context(more?: Partial<RunContext>): RunContext;
  plan(input: unknown, context?: RunContext): Promise<PlanAnswer>;
  /** Every shard of a fan-out, side by side. */
  transfer(plan: PlanAnswer, context?: RunContext): Promise<TransferAnswer[]>;
  /** Resolves when it is so; fails after 10 s. */
  until(isSo: () => Promise<boolean>): Promise<void>;
  /** Plans, transfers and reports until there is nothing left; waits cost no time. */
  run(input: unknown, more?: Partial<RunContext>): Promise<Outcome[]>;
  outcomes(run: string): Promise<Outcome[]>;
}

const execution = { id: 'execution-1', name: 'execution-1', startedAt: '2026-11-24T08:00:00Z' };

export const it = test.extend<{ rig: Rig }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
  rig: async ({}, use) => {
    const root = await mkdtemp(join(tmpdir(), 'skyhaul-rig-'));
    const origin = await startOrigin();
    await use(makeRig(root, origin));
    await origin.close();
    await rm(root, { recursive: true, force: true });
  },
});

/** A batch of inline items, one for each path, stored under the path's name. */
export function listOf(rig: Rig, paths: readonly string[], options: object = {}, items: object = {}) {
  const list = paths.map((path) => ({ url: rig.origin.url(path), key: path.slice(1), ...items }));
  return { run: 'r', items: list, to: rig.root, options };
}

/** What is half-done at the destination: temporary files and open uploads. */
export async function leftovers(rig: Rig): Promise<string[]> {
  return readdir(join(rig.root, '.skyhaul', 'tmp')).catch(() => []);
}

function makeRig(root: string, origin: Origin): Rig {
  const events: RunEvent[] = [];
  const clock = { now: 1_800_000_000_000 };
  const state = openLocalStore(join(root, '.skyhaul'));
  let attempts = 0;

  const context = (more: Partial<RunContext> = {}): RunContext => ({
    state,
    openDestination: (to) => openLocalStore(to),
    openManifest: () => Promise.reject(new Error('no manifest here')),
    now: () => clock.now,
    random: () => 0,
    signal: new AbortController().signal,
    deadline: undefined,
    attempt: `attempt-${++attempts}`,
    memoryBytes: 64 * 1024 * 1024,
    inProcess: true,
    allowNetworks: ['127.0.0.0/8'],
    maxShards: 40,
    concurrency: { default: 4, ceiling: 40 },
    owner: { execution: execution.id },
    isAlive: () => Promise.resolve(true),
    emit: (event) => void events.push(event),
    ...more,
  });
  const plan: Rig['plan'] = (input, given = context()) => planRun({ execution, input }, given);
  const transfer: Rig['transfer'] = async ({ run, round, shards }, given) => {
    return Promise.all(shards.map((shard) => transferShard({ run, round, shard }, given ?? context())));
  };
  const outcomes: Rig['outcomes'] = async (run) => {
    const found: Outcome[] = [];
    for await (const line of getLines(state, runKeys(run).report)) found.push(line as Outcome);
    return found;
  };
  const run: Rig['run'] = async (input, more) => {
    let answer = await plan(input, context(more));
    for (; answer.next !== 'report'; answer = await plan(answer, context(more))) {
      if (answer.next === 'wait') clock.now += answer.waitSeconds * 1_000;
      if (answer.next === 'fan-out') await transfer(answer, more && context(more));
    }
    await reportRun({ run: answer.run }, context(more));
    return outcomes(answer.run);
  };
  const until: Rig['until'] = async (isSo) => {
    for (let tries = 0; !(await isSo()); tries += 1) {
      if (tries === 500) throw new Error('it did not come so');
      await sleep(20);
    }
  };
  return { root, origin, events, clock, context, plan, transfer, until, run, outcomes };
}
