import { z } from 'zod';
import type { DeferredRow, HostRow, LedgerRow, OutcomeRow } from '../contract/ledger-row.ts';
import { GiB } from '../contract/limits.ts';
import { catalogue } from '../errors/catalogue.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { partsOf } from '../ledger/fold-checkpoints.ts';
import { foldShard } from '../ledger/fold-shard.ts';
import { getLines } from '../ledger/json-lines.ts';
import { type Leads, learn, withLeads } from '../ledger/leads.ts';
import { OutcomeChunks } from '../ledger/outcome-chunks.ts';
import { readRoundLedger, type ShardRows } from '../ledger/read-ledger.ts';
import { runKeys } from '../ledger/run-keys.ts';
import type { RunContext } from '../run-context.ts';
import { afterFirst } from './copies.ts';
import { historyEvents } from './fan-out-mode.ts';
import { foldItems, park } from './fold-items.ts';
import { answeringHosts, foldHosts, type HostBudget, isSpent, refusedRow } from './host-trouble.ts';
import { LeftItems } from './left-items.ts';
import { type Left, readLeft, type Status, writeStatus } from './status.ts';

/** Rounds in a row without a single row behind them after which something is wrong that no retry cures. */
const MAX_IDLE_ROUNDS = 3;

const members = z.strictObject({ shard: z.int().min(0), items: z.array(z.int().min(0)) });

/**
 * Folds the ledger of the round that ended into the status of the next one. One shard is in memory at a time. Throws what
 * makes another round pointless, unless `mayGoOn`: the run ends anyway and is to be reported, or somebody starts it again.
 * `budget`: what a host may refuse before its items fail; none: they stay.
 */
export async function foldRound(
  context: RunContext,
  run: string,
  before: Status,
  mayGoOn = false,
  budget?: HostBudget,
) {
  const { state } = context;
  const known = await readLeft(state, run, before.round);
  const stoodAt = new Map<number, number>();
  const firsts = new Map<number, OutcomeRow | undefined>();
  for (const item of known) {
    if (item.open) stoodAt.set(item.index, partsOf(item.open));
    if (item.waitsFor !== undefined) firsts.set(item.waitsFor, undefined);
  }
  const left = new LeftItems(known);
  const crashedItems = new Set<number>();
  const next: Status = { ...before, round: before.round + 1, spent: { ...before.spent }, limit: undefined };
  const refused = new Map<string, HostRow>();
  const answered = new Set<string>();
  const delays = new Map(before.delays?.map(({ host, ms }) => [host, ms]));
  const chunks = new OutcomeChunks(state, run, next.round);
  const parked = new Map<string, number>();
  const progress = { shards: 0, rows: 0, outcomes: 0, runError: undefined as DeferredRow | undefined };

  const ledger = readRoundLedger(state, run, before.round)[Symbol.asyncIterator]();
  let rows = await ledger.next();
  for await (const line of getLines(state, runKeys(run).members(before.round))) {
    const { shard, items } = members.parse(line);
    const shardRows: ShardRows = !rows.done && rows.value.shard === shard ? rows.value : { shard, attempts: [] };
    if (shardRows === rows.value) rows = await ledger.next();
    account(next, shardRows);
    const fold = foldShard(shardRows.attempts);
    next.busyUntil = Math.max(next.busyUntil, fold.busyUntil);
    for (const [host, ms] of fold.delays ?? []) delays.set(host, ms);
    if (fold.redirects?.size) next.leads = learn(next.leads ?? {}, fold.redirects);
    // Deployed, a worker that left not even its first row was killed before it could.
    const crashed = fold.crashed || (shardRows.attempts.length === 0 && !context.inProcess);
    // Once each, also where a shard holds several ranges of one item.
    const present = Array.from(new Set(items)).flatMap((index) => left.get(index) ?? []);
    const folded = foldItems(present, { ...fold, crashed }, crashedItems);
    if (crashed) for (const index of items) crashedItems.add(index);

    for (const item of present) left.delete(item.index);
    for (const item of folded.left) left.set(item);
    for (const [host, until] of folded.parked) park(parked, host, until);
    for (const host of answeringHosts(present, fold)) answered.add(host);
    for (const [host, row] of fold.hosts ?? []) {
      if (row.notBefore > (refused.get(host)?.notBefore ?? 0)) refused.set(host, row);
    }
    if (fold.busyUntil > 0) {
      // Its connections may have gone on to other hosts.
      for (const { host } of present) {
        for (const to of withLeads(host, next.leads ?? {})) park(parked, to, fold.busyUntil);
      }
    }
    for (const row of folded.outcomes) {
      if (firsts.has(row.index)) firsts.set(row.index, row);
      next.failed += row.outcome === 'failed' ? 1 : 0;
      next.skipped += row.outcome === 'skipped' ? 1 : 0;
      next.bytes += row.outcome === 'stored' ? (row.bytes ?? 0) : 0;
      await chunks.add(row);
    }
    progress.shards += 1;
    progress.rows += shardRows.attempts.length;
    progress.outcomes += folded.outcomes.filter(({ outcome }) => outcome !== 'failed').length;
    progress.runError ??= Array.from(fold.deferred.values()).find(isRunError);
  }
  next.idleRounds = progress.rows === 0 ? before.idleRounds + 1 : 0;
  if (!mayGoOn) refuseToGoOn(progress, next.idleRounds);
  const now = context.now();
  const troubles = foldHosts(before.hosts ?? [], { refused, answered, now, random: context.random });
  for (const { host, until } of troubles.values()) park(parked, host, until);
  if (budget) {
    const spent = new Map(Array.from(troubles).filter(([, trouble]) => isSpent(trouble, budget, now)));
    for (const item of spent.size > 0 ? left.values() : []) {
      const trouble = spent.get(item.host) ?? spent.get(item.behind ?? '');
      // Who waits for another line fares as that one does; what is to be copied has not asked any host.
      const isUnasked = item.copyOf !== undefined && item.since === undefined;
      if (!trouble || item.waitsFor !== undefined || isUnasked) continue;
      const row = refusedRow(item, trouble, now);
      if (firsts.has(row.index)) firsts.set(row.index, row);
      next.failed += 1;
      left.delete(item.index);
      await chunks.add(row);
    }
    for (const host of spent.keys()) troubles.delete(host);
  }
  next.delays = delays.size > 0 ? Array.from(delays, ([host, ms]) => ({ host, ms })) : undefined;
  next.hosts = troubles.size > 0 ? Array.from(troubles.values()) : undefined;
  for (const item of firsts.size > 0 ? left.values() : []) {
    if (item.waitsFor === undefined || left.has(item.waitsFor)) continue;
    const after = afterFirst(item, firsts.get(item.waitsFor));
    if ('left' in after) left.set(after.left);
    else {
      next.failed += 1;
      left.delete(item.index);
      await chunks.add(after.failed);
    }
  }
  const stillLeft = Array.from(left.values(), (item) => afterParking(afterProgress(item, stoodAt), parked, next.leads));
  next.left = stillLeft.length;
  next.historyEvents += historyEvents(progress.shards);
  await chunks.flush();
  await writeStatus(state, run, next, stillLeft);
  return { status: next, left: stillLeft };
}

/** Who came forward in this round has all its tries again, whatever broke off meanwhile. */
function afterProgress(item: Left, stoodAt: ReadonlyMap<number, number>): Left {
  if (!item.open || partsOf(item.open) <= (stoodAt.get(item.index) ?? 0)) return item;
  return { ...item, attempts: 0, crashes: 0 };
}

/** Every item of a parked host waits, and every one that would be led there, whichever lane the host complained to. */
function afterParking(item: Left, parked: ReadonlyMap<string, number>, leads: Leads = {}): Left {
  const until = Math.max(...withLeads(item.host, leads).map((host) => parked.get(host) ?? 0));
  // What is copied asks no host, and does not wait, unless it must be fetched after all.
  if (item.copyOf) return until > 0 ? { ...item, copyOf: { ...item.copyOf, askFrom: until } } : item;
  return until > item.notBefore ? { ...item, notBefore: until } : item;
}

function isRunError(row: DeferredRow): boolean {
  return row.error !== undefined && row.error !== 'Interrupted' && catalogue[row.error].scope === 'run';
}

/** A destination that refuses everybody is not asked again for each item. */
function refuseToGoOn({ outcomes, runError }: { outcomes: number; runError: DeferredRow | undefined }, idle: number) {
  if (idle >= MAX_IDLE_ROUNDS) {
    throw new SkyhaulError('Unexpected', `${MAX_IDLE_ROUNDS} rounds in a row ended without a row in the ledger`);
  }
  if (runError?.error === undefined || outcomes > 0) return;
  throw new SkyhaulError(runError.error, runError.message ?? catalogue[runError.error].when);
}

function account(status: Status, { attempts }: ShardRows): void {
  for (const row of attempts.flatMap((attempt): readonly LedgerRow[] => attempt.rows)) {
    if (row.row !== 'ended') continue;
    status.spent.put += row.requests.put;
    status.spent.get += row.requests.get;
    if (row.memoryBytes === undefined) continue;
    status.spent.invocations += 1;
    status.spent.gigabyteSeconds += (row.memoryBytes / GiB) * (row.ms / 1_000);
  }
}
