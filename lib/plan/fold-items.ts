import type { DeferredRow, OutcomeRow } from '../contract/ledger-row.ts';
import { foldCheckpoints } from '../ledger/fold-checkpoints.ts';
import type { ShardFold } from '../ledger/fold-shard.ts';
import { failedRow } from './failed-row.ts';
import { type Left, makeLeft } from './status.ts';

export interface ItemFold {
  readonly outcomes: readonly OutcomeRow[];
  readonly left: readonly Left[];
  /** Hosts that asked for time, with the epoch milliseconds until which nobody may come. */
  readonly parked: ReadonlyMap<string, number>;
}

/**
 * What one shard of the round that ended does to its items: pure. `items` are those that Plan put into it. The ranges of
 * one item stand in several shards; `crashedBefore` are the items whose crash in this round is counted already.
 */
export function foldItems(
  items: readonly Left[],
  fold: ShardFold,
  crashedBefore: ReadonlySet<number> = new Set(),
): ItemFold {
  const outcomes: OutcomeRow[] = [];
  const left: Left[] = [];
  const parked = new Map<string, number>();
  for (const item of items) {
    const done = fold.outcomes.get(item.index);
    const deferred = fold.deferred.get(item.index);
    if (done) outcomes.push(done);
    else if (isPoison(item, items.length, fold)) outcomes.push(workerCrashed(item));
    else
      left.push(
        later(item, deferred, { ...fold, crashed: fold.crashed && !crashedBefore.has(item.index) }, items.length),
      );
    if (deferred?.host !== undefined) park(parked, deferred.host, deferred.notBefore ?? 0);
    // Whoever lives past its last row may still hold connections to the hosts of its shard.
    if (fold.busyUntil > 0) park(parked, item.host, fold.busyUntil);
  }
  return { outcomes, left, parked };
}

/** The third worker that an item took with it while it was alone there. */
function isPoison(item: Left, shardItems: number, fold: ShardFold): boolean {
  return fold.crashed && shardItems === 1 && item.crashes >= 2;
}

function later(item: Left, row: DeferredRow | undefined, fold: ShardFold, shardItems: number): Left {
  const crashes = item.crashes + (fold.crashed ? 1 : 0);
  // The time that a run is stopped counts for nobody's timeoutMs.
  const since = row?.error === 'Interrupted' && !row.alone ? undefined : (item.since ?? row?.since);
  const most = mostAfter(item, row, crashes, fold.crashed, shardItems);
  const resumes = Math.max(item.resumes ?? 0, row?.resumes ?? 0);
  const state = foldCheckpoints(fold.checkpoints.get(item.index) ?? [], item);
  const bytes = state.open?.version.bytes ?? item.bytes;
  const behind = row?.host === undefined || row.host === item.host ? item.behind : row.host;
  const { index, line, host } = item;
  const attempts = Math.max(item.attempts, row?.attempts ?? 0);
  const notBefore = Math.max(item.notBefore, row?.notBefore ?? 0);
  const more = {
    ...state,
    ...(resumes > 0 && { resumes }),
    ...(since !== undefined && { since }),
    ...(most !== undefined && { most }),
    ...(behind !== undefined && { behind }),
    ...((row?.alone ?? item.alone) && { alone: true }),
    ...(item.copyOf && { copyOf: item.copyOf }),
  };
  return makeLeft({ index, line, host, attempts, notBefore, crashes }, bytes, more);
}

function mostAfter(item: Left, row: DeferredRow | undefined, crashes: number, crashed: boolean, shardItems: number) {
  if (row?.alone) return 1;
  if (crashed && crashes >= 2) return Math.max(1, Math.ceil(shardItems / 2));
  return item.most;
}

function workerCrashed(item: Left): OutcomeRow {
  return failedRow(item, {
    error: 'WorkerCrashed',
    message: 'the worker ended without a word three times while it worked on this item alone',
    attempts: item.attempts + item.crashes + 1,
  });
}

export function park(parked: Map<string, number>, host: string, until: number): void {
  parked.set(host, Math.max(parked.get(host) ?? 0, until));
}
