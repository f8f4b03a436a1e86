import { MiB } from '../../lib/contract/limits.ts';
import { historyEvents } from '../../lib/plan/fan-out-mode.ts';
import { fitRound } from '../../lib/plan/fit-run.ts';
import { foldHosts, type HostTrouble, isSpent } from '../../lib/plan/host-trouble.ts';
import { memoryBudget } from '../../lib/transfer/transfer-shard.ts';
import { FAILED, NONE } from './ledger.ts';
import { layOutRound, leftOf, next, type PlannerOptions } from './planner.ts';
import { Round, type RunState } from './round.ts';
import { buildSystem, type Result, type System } from './system.ts';
import type { World } from './world.ts';

export interface OurOptions extends PlannerOptions {
  readonly memoryMegabytes: number;
  readonly maxAttempts: number;
  /** Rounds in a row in which a host may refuse before its items fail. */
  readonly hostAttempts: number;
  readonly roundMinutes: { readonly first: number; readonly later: number };
}

export const OUR_DEFAULTS: OurOptions = {
  concurrency: 50,
  perHostConnections: 6,
  maxHours: 72,
  memoryMegabytes: 1_024,
  maxAttempts: 5,
  hostAttempts: 8,
  roundMinutes: { first: 5, later: 30 },
};

/** Plan and Report: 20 s, and 30 s for a million lines that are left, or are reported (the budget that the planner keeps). */
const STEP_MS = 20_000;
const MS_PER_LINE = 0.03;
const PLAN_MEMORY = 2_048;
/** Plan, PlanNext, FanOut and the Map; Wait is one more; Report with its Choice and Summary. */
const TRANSITIONS_PER_ROUND = 4;
const LINES_PER_OBJECT = 10_000;

/** A whole run of the product: rounds of Plan and a fan-out until nothing is left. */
export async function simulateOurs(world: World, options: OurOptions): Promise<Result> {
  const system = buildSystem(world, options.perHostConnections);
  const { ledger, queue } = system;
  const state: RunState = {
    attempts: new Uint8Array(world.items),
    notBefore: new Float64Array(world.items),
    hostUntil: new Float64Array(world.hosts),
    uploads: new Map(),
    refused: new Map(),
    answered: new Set(),
  };
  const { slots } = memoryBudget(options.memoryMegabytes * MiB, false);
  let left: Int32Array = Int32Array.from({ length: world.items }, (_, item) => item);
  let troubles: readonly HostTrouble[] = [];
  let eventsSoFar = 0;
  for (let round = 0; ; round += 1) {
    const isLast = plan(world.items - ledger.ended);
    left = leftOf(system, left);
    const step = next(system, state, left, options.maxHours);
    switch (step.step) {
      case 'wait':
        queue.now += step.seconds * 1_000;
        ledger.bill.transitions += 1;
        round -= 1;
        continue;
      case 'report':
      case 'stop':
        return end(round, isLast);
      case 'fan-out': {
        const laidOut = layOutRound(
          system,
          state,
          { left, ready: step.ready, troubled: new Set(troubles.map(({ host }) => host)) },
          options,
        );
        const shards = laidOut.shards.length;
        const fit = fitRound({ shards, maxConcurrency: options.concurrency, eventsSoFar });
        if (fit.verdict !== 'fits') return end(round, false);
        eventsSoFar += historyEvents(shards);
        ledger.bill.put += shards;
        const minutes = round === 0 ? options.roundMinutes.first : options.roundMinutes.later;
        const roundEndsAt = queue.now + minutes * 60_000;
        queue.now = await new Round(system, { ...options, ...laidOut, slots, roundEndsAt, state }).play();
        troubles = foldTroubles(system, state, troubles, options.hostAttempts);
      }
    }
  }

  /** Folds what the last round left behind, which is every row of it. */
  function plan(left: number): boolean {
    const ms = STEP_MS + MS_PER_LINE * left;
    queue.now += ms;
    ledger.bill.gigabyteSeconds += (ms / 1_000) * (PLAN_MEMORY / 1_024);
    ledger.bill.invocations += 1;
    ledger.bill.transitions += TRANSITIONS_PER_ROUND;
    ledger.bill.put += 4 + left / LINES_PER_OBJECT;
    ledger.bill.get += 4 + left / LINES_PER_OBJECT;
    return left === 0;
  }

  function end(rounds: number, isWhole: boolean): Result {
    if (!isWhole) {
      // Limits end a run with a report, and what is left is in its failed list.
      for (let item = 0; item < world.items; item += 1) {
        if (ledger.outcomes[item] === NONE) ledger.end(item, FAILED, queue.now);
      }
    }
    plan(world.items);
    return { system, wallMs: queue.now, rounds };
  }
}

/** What `foldRound` does about hosts that refuse, with the engine's own rules: they wait, and behind their budget fail. */
function foldTroubles(
  { world, ledger, queue, random }: System,
  { refused, answered, hostUntil }: RunState,
  before: readonly HostTrouble[],
  hostAttempts: number,
): HostTrouble[] {
  const { now } = queue;
  const troubles = foldHosts(before, { refused, answered, now, random: random.next });
  refused.clear();
  answered.clear();
  for (const { host, until } of troubles.values()) {
    hostUntil[Number(host)] = Math.max(hostUntil[Number(host)] ?? 0, until);
  }
  const spent = Array.from(troubles.values()).filter((trouble) => isSpent(trouble, { hostAttempts }, now));
  const hosts = new Set(spent.map(({ host }) => Number(host)));
  for (let item = 0; hosts.size > 0 && item < world.items; item += 1) {
    if (hosts.has(world.hostOf[item] as number) && ledger.outcomes[item] === NONE) ledger.end(item, FAILED, now);
  }
  return Array.from(troubles.values()).filter(({ host }) => !hosts.has(Number(host)));
}
