/** The decisions of the engine, asked with what the model knows. Each is asked once for the same question. */
import type { LedgerRow } from '../../lib/contract/ledger-row.ts';
import type { ItemState, ItemWork } from '../../lib/contract/work.ts';
import { foldCheckpoints } from '../../lib/ledger/fold-checkpoints.ts';
import { foldShard } from '../../lib/ledger/fold-shard.ts';
import { foldItems } from '../../lib/plan/fold-items.ts';
import type { Left } from '../../lib/plan/status.ts';
import { checkCommit } from '../../lib/store/check-commit.ts';
import type { Condition, StoredObject } from '../../lib/store/object-store.ts';
import { checkpointOf, continueGeneration, runsLeft } from '../../lib/transfer/generation.ts';
import { beforeFetch, sourceName } from '../../lib/transfer/overwrite-policy.ts';
import { type Facts, factsOf, ITEM, jobOf, KEY, RUN } from './facts.ts';
import { Interner, memoised } from './intern.ts';
import type { Scenario, Variant } from './scenario.ts';
import type { GenerationNow, ObjectNow, Stored, Version, World } from './world.ts';

/** An upload's name in rows, and back. */
export const idOf = (upload: number) => `u${upload}`;
export const uploadOf = (id: string) => Number(id.slice(1));

/** What this item's objects say about themselves. */
export const MARK = { run: RUN, line: 1, source: sourceName(ITEM.item.url) };

/** The item as Plan knows it before anybody has worked on it. */
export const UNTOUCHED: Left = { index: 0, line: 1, host: 'a.example', attempts: 0, notBefore: 0, crashes: 0 };

export function isOfUpload({ row }: LedgerRow): boolean {
  return row === 'checkpoint' || row === 'part' || row === 'digests' || row === 'dropped';
}

/** Every attempt lives at most so long; the clock shows 0 or, when all who began are dead, a later time. */
export const LIVES_UNTIL = 100;

export interface Target {
  readonly existing: StoredObject | undefined;
  readonly condition: Condition;
  readonly ifNoneMatch: string | undefined;
}

export type Work = Pick<ItemWork, 'kind' | 'parts'> & ItemState;

export type Protocol = ReturnType<typeof protocolOf>;

export function protocolOf(scenario: Scenario, variant: Variant, facts: Facts = factsOf(scenario)) {
  const rows = new Interner<LedgerRow>();
  const works = new Interner<Work>();
  const targets = new Interner<Target>();
  const conditions = new Interner<Condition>();
  const lefts = new Interner<Left>();
  const attemptsOf = (ids: string) =>
    ids.split('/').map((attempt, index) => ({
      attempt: String(index),
      rows: attempt === '' ? [] : attempt.split(',').map((id) => rows.at(Number(id))),
    }));
  const versionOf = (open: ItemState['open']) => Number(open?.version.etag?.[2] ?? 0) as Version;

  return {
    scenario,
    variant,
    facts,
    rows,
    works,
    targets,
    conditions,
    lefts,
    isUploadRow: memoised((id: number) => isOfUpload(rows.at(id))),

    /** What a worker reads of its shard before it says that it began; undefined: nothing is left to do. */
    readWork: memoised((ledger: string, planned: number): number | undefined => {
      const done = foldShard(attemptsOf(ledger));
      if (done.outcomes.has(0) || done.deferred.has(0)) return undefined;
      const { kind, parts, ...state } = works.at(planned);
      const now = foldCheckpoints(done.checkpoints.get(0) ?? [], state);
      if (kind === 'range' && now.open?.upload !== state.open?.upload) return undefined;
      return works.id({ kind, parts, ...now });
    }),

    busyUntil: memoised((ledger: string) => foldShard(attemptsOf(ledger)).busyUntil),

    /** As foldRound does it, shard after shard. */
    foldRound: memoised((ledgers: string, before: number) => {
      let left: Left | undefined = lefts.at(before);
      const outcomes: number[] = [];
      const crashed = new Set<number>();
      let busyUntil = 0;
      for (const ledger of ledgers.split('+')) {
        const fold = foldShard(attemptsOf(ledger));
        busyUntil = Math.max(busyUntil, fold.busyUntil);
        const folded = foldItems(left ? [left] : [], fold, crashed);
        if (fold.crashed) crashed.add(0);
        left = folded.left[0];
        outcomes.push(...folded.outcomes.map((row) => rows.id(row)));
      }
      // How often it was tried decides nothing here.
      return { left: left && lefts.id({ ...left, attempts: 0, crashes: 0, notBefore: 0 }), outcomes, busyUntil };
    }),

    look: memoised((by: string, etag: string, content: string) => {
      const existing = facts.stands({ by, etag, content } as ObjectNow);
      const before = beforeFetch({ ...MARK, overwrite: scenario.overwrite, existing });
      return { existing, before };
    }),

    takeUp: memoised((work: number, parts: string): GenerationNow | undefined => {
      const { open, restarts } = works.at(work);
      if (!open) return undefined;
      const stored = parts.split(',');
      const job = jobOf({ ...ITEM, ...(restarts !== undefined && { restarts }) }, facts.partBytes);
      const found = continueGeneration(job, open, facts.partsOf(stored));
      if (!found) return undefined;
      return {
        upload: uploadOf(open.upload),
        version: versionOf(open),
        restarts: found.restarts,
        condition: conditions.id(found.condition),
        isCheckpointed: found.isCheckpointed,
        parts: stored.map((part, index) => (found.parts.has(index + 1) ? part : '')),
      };
    }),

    /** First and last part of the next run to fetch; none: all is there. */
    nextRun: memoised((missing: string, first: number, last: number) => {
      const parts = new Map(
        Array.from(missing).flatMap((has, index) =>
          has === '1' ? [[index + 1, facts.storedPart(index + 1, '10')] as const] : [],
        ),
      );
      return runsLeft({ ...facts.begun(1, 0, false), parts }, first > 0 ? { first, last } : undefined)[0];
    }),

    checkpointRow: memoised((version: number, restarts: number, condition: number, upload: number) => {
      const generation = { ...facts.begun(version, restarts, false), condition: conditions.at(condition) };
      const checkpoint = checkpointOf(generation, { key: KEY, id: idOf(upload) });
      return checkpoint && rows.id({ row: 'checkpoint', index: 0, restarts, ...checkpoint });
    }),

    /** Whether S3 would make an object of these parts. */
    joins: memoised((parts: string, sumsOf: string) => {
      const { bytes, crc32 } = facts.sumsOf(sumsOf);
      try {
        const limits = jobOf(ITEM, facts.partBytes).destination.limits;
        checkCommit(KEY, facts.partsOf(parts.split(',')), { bytes, crc32, condition: { kind: 'any' } }, limits);
        return true;
      } catch {
        return false;
      }
    }),
  };
}

/** The ledger of one shard as text: attempts in the order of workers, rows in the order in which they were written. */
export function ledgerOf({ workers }: World, round: number, shard: number): string {
  return workers
    .filter((worker) => worker.round === round && worker.shard === shard && worker.at !== 'idle')
    .map(({ flushed }) => flushed.join(','))
    .join('/');
}

export function contentOf(parts: readonly Stored[]): string {
  return parts.map((part) => part.slice(0, 1)).join('');
}
