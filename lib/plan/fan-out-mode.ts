import { MAX_INLINE_SHARDS } from '../contract/limits.ts';

/** Step Functions ends an execution at 25,000 events of history; children of a distributed Map have their own. */
const MAX_HISTORY_EVENTS = 10_000;
const EVENTS_PER_SHARD = 10;
const EVENTS_PER_ROUND = 20;

/** Estimated history of one round. */
export function historyEvents(shards: number): number {
  return EVENTS_PER_ROUND + (shards <= MAX_INLINE_SHARDS ? shards * EVENTS_PER_SHARD : 0);
}

/** Which Map takes a round: the inline one as long as its width and the history of the execution allow it. */
export function fanOutMode(shards: number, eventsSoFar: number): 'inline' | 'distributed' {
  const fits = shards <= MAX_INLINE_SHARDS && eventsSoFar + historyEvents(shards) <= MAX_HISTORY_EVENTS;
  return fits ? 'inline' : 'distributed';
}
