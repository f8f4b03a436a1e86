import { GiB, LISTING_TRUSTED_MS, LOOKS_AT_MOST } from '../contract/limits.ts';
import { priceOf, S3_PUT, TRANSITIONS_PER_INVOCATION } from '../contract/prices.ts';

/** What an estimate assumes of an item beside its bytes, and of every invocation: milliseconds. */
export const ITEM_MS = 150;
export const START_MS = 1_000;
/** Network of a Lambda below 2 GB: 625 Mbit/s. */
export const BYTES_PER_SECOND = 78_000_000;
/** For a shard: its list and its three writes in the ledger, and the look for earlier ones. */
const PUTS_PER_SHARD = 5;
/** For a shard: its work, the stop marker, and its ledger once more in the next Plan. */
const GETS_PER_SHARD = 5;

export interface CostFacts {
  readonly items: number;
  /** Of those whose size is known. */
  readonly bytes: number;
  readonly shards: number;
  readonly lanes: number;
  /** Lanes at once in one invocation. */
  readonly slots: number;
  readonly memoryBytes: number;
  /** That rates of hosts or of the run make all shards last together. @default as if there were none */
  readonly leastSeconds?: number | undefined;
}

/** US dollars. */
export interface PlannedCost {
  readonly compute: number;
  readonly transitions: number;
  /** Of the run's own state, and the looks at the targets, of which hardly any exists: each that does costs a HEAD more. */
  readonly requests: number;
  /** All of it. The PUTs of the objects come on top: at least one for each item. */
  readonly total: number;
  readonly puts: number;
}

/** What a round is going to cost if all goes well, from its layout: pure, and an estimate. */
export function planCost(facts: CostFacts): PlannedCost {
  const { items, bytes, shards, lanes, slots, memoryBytes, leastSeconds = 0 } = facts;
  const atOnce = Math.max(1, Math.min(slots, lanes / Math.max(1, shards)));
  const unpaced = (items * ITEM_MS) / 1_000 / atOnce + bytes / BYTES_PER_SECOND;
  const seconds = Math.max(unpaced, leastSeconds) + (shards * START_MS) / 1_000;
  const looks = looksAtTargets(items, shards, seconds);
  const { s3, lambda, states, total } = priceOf({
    put: shards * PUTS_PER_SHARD + looks.lists,
    get: shards * GETS_PER_SHARD + looks.heads,
    gigabyteSeconds: (memoryBytes / GiB) * seconds,
    invocations: shards,
    transitions: shards * TRANSITIONS_PER_INVOCATION,
  });
  return { compute: lambda, transitions: states, requests: s3, total, puts: items * S3_PUT };
}

/** A long shard lists its targets, again and again; a short one looks at each. */
function looksAtTargets(items: number, shards: number, seconds: number) {
  if (items / Math.max(1, shards) <= LOOKS_AT_MOST) return { heads: items, lists: 0 };
  const listings = Math.ceil((seconds * 1_000) / shards / LISTING_TRUSTED_MS);
  return { heads: 0, lists: shards * listings };
}
