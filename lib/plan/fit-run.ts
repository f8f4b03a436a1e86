import { GiB, MAX_SHARDS, MiB } from '../contract/limits.ts';
import { historyEvents } from './fan-out-mode.ts';

/**
 * Whether a run fits into Step Functions and into Plan: pure. What cannot fit is refused with the reason, or ended with
 * a report, before the service ends it without one. Payloads (256 KiB) need no look: no item travels through them, and
 * an answer names at most 40 shards. Sources: Step Functions developer guide, "Service quotas".
 */
const MAX_HISTORY_EVENTS = 25_000;
/** For waits (two states and Plan again each, at most one an hour beside those of a round), retries, and the report. */
const RESERVED_EVENTS = 5_000;
/** Children at once of one Map Run. */
const MAX_MAP_CONCURRENCY = 10_000;
/** A Standard execution ends after a year. */
const MAX_EXECUTION_HOURS = 365 * 24;
/** Behind maxHours: the round under way, workers that may live still, the report. */
const END_HOURS = 24;

/**
 * Of Plan's memory: what Node, the SDK and the work that waits to be written take, and what a line takes at the peak where
 * each of them has a host of its own; half of it where hosts have some lines each.
 */
const PLAN_BASE_BYTES = 256 * MiB;
const PLAN_BYTES_PER_ITEM = 512;

/** Lines of a list that Plan can hold in an invocation of this size. In-process memory is the machine's own. */
export function mostItems(memoryBytes: number, inProcess: boolean): number {
  if (inProcess) return Number.POSITIVE_INFINITY;
  return Math.max(1_000, Math.floor((memoryBytes - PLAN_BASE_BYTES) / PLAN_BYTES_PER_ITEM));
}

/** Why a list is too long for this Plan. */
export function tooManyItems(most: number, memoryBytes: number): string {
  const memory = `${(memoryBytes / GiB).toFixed(1)} GiB`;
  return `the list has more than ${most} lines, which is what Plan holds with its ${memory}: deploy it with more \`memory.plan\`, or cut the list`;
}

/** Why an execution of a whole run cannot fit; nothing when it can. Only for what Step Functions runs. */
export function runDoesNotFit({ maxHours }: { readonly maxHours: number }): string | undefined {
  const most = MAX_EXECUTION_HOURS - END_HOURS;
  if (maxHours <= most) return undefined;
  return `maxHours ${maxHours} and the report behind it do not fit into the year that an execution may last: at most ${most}`;
}

export interface RoundFacts {
  readonly shards: number;
  readonly maxConcurrency: number;
  /** In the history of this execution so far. */
  readonly eventsSoFar: number;
}

/**
 * Why a round cannot be handed to the Map. `refuse`: the planner or its settings are wrong. `stop`: the run has had as
 * many rounds as one execution takes; a new one goes on with it.
 */
export type RoundFit = { readonly verdict: 'fits' } | { readonly verdict: 'refuse' | 'stop'; readonly why: string };

export function fitRound({ shards, maxConcurrency, eventsSoFar }: RoundFacts): RoundFit {
  const refuse = (why: string): RoundFit => ({ verdict: 'refuse', why });
  // Far below the 100 million items of an ItemReader and the quota of its file: Plan never wants more of a round.
  if (shards > MAX_SHARDS) return refuse(`${shards} shards in a round: the Map takes ${MAX_SHARDS}`);
  if (maxConcurrency > MAX_MAP_CONCURRENCY) {
    return refuse(`maxConcurrency ${maxConcurrency}: a Map runs at most ${MAX_MAP_CONCURRENCY} children at once`);
  }
  const events = eventsSoFar + historyEvents(shards);
  if (events <= MAX_HISTORY_EVENTS - RESERVED_EVENTS) return { verdict: 'fits' };
  const why = `its history has about ${eventsSoFar} events, and Step Functions ends an execution at ${MAX_HISTORY_EVENTS}: continue the run, or give it longer rounds (roundMinutes)`;
  return { verdict: 'stop', why };
}
