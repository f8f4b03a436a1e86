import type { Outcome } from '../contract/outcome.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { foldShard } from './fold-shard.ts';
import { readRoundLedger } from './read-ledger.ts';

export type OutcomeCounts = Record<Outcome['outcome'], number>;

/** What the workers of a round have said so far, each item once; one shard is in memory at a time. */
export async function countOutcomes(store: ObjectStore, run: string, round: number): Promise<OutcomeCounts> {
  const counts: OutcomeCounts = { stored: 0, skipped: 0, failed: 0 };
  for await (const { attempts } of readRoundLedger(store, run, round)) {
    for (const { outcome } of foldShard(attempts).outcomes.values()) counts[outcome] += 1;
  }
  return counts;
}
