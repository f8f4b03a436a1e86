import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerRow } from '../contract/ledger-row.ts';
import type { Options } from '../contract/options.ts';
import type { Outcome } from '../contract/outcome.ts';
import type { ItemWork } from '../contract/work.ts';
import { catalogue } from '../errors/catalogue.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { RunContext } from '../run-context.ts';
import type { SourceClient } from '../source/source.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { BufferPool } from './buffer-pool.ts';
import { decideRetry } from './retry-policy.ts';
import { transferItem } from './transfer-item.ts';

/** What the lanes of one attempt share. */
export interface ShardRun {
  readonly context: RunContext;
  /** Which run stored an object, in its metadata. */
  readonly mark: string;
  readonly options: Options;
  readonly destination: ObjectStore;
  readonly pool: BufferPool;
  /** Aborted when the run is stopped, the deadline is near, or the destination refuses everybody. */
  readonly stop: AbortController;
  /** It was the deadline of the invocation that stopped it. */
  isCut: boolean;
  /** No new item: the round is over, or the attempt stops. */
  readonly isOver: () => boolean;
  readonly record: (row: LedgerRow) => void;
  readonly openClient: () => SourceClient;
  /** Items begun in this invocation; one that needs an invocation of its own begins as the first. */
  begun: number;
}

const PROGRESS_MS = 250;

/** Takes the items of a lane one after another, on one connection, until they are done or time is up. */
export async function runLane(lane: readonly ItemWork[], shard: ShardRun): Promise<void> {
  const client = shard.openClient();
  try {
    for (const work of lane) {
      if (shard.isOver() || (work.alone && shard.begun > 0)) return;
      shard.begun += 1;
      const goesOn = await workOn(work, client, shard);
      if (!goesOn) return;
    }
  } finally {
    await client.close();
  }
}

/** One item to its outcome, or to a later round. False: the lane stops here. */
async function workOn(work: ItemWork, client: SourceClient, shard: ShardRun): Promise<boolean> {
  const { context } = shard;
  const since = work.since ?? context.now();
  context.emit({ event: 'item.started', line: work.line, url: redactUrl(work.item.url), key: work.key });
  for (let attempts = work.attempts + 1; ; attempts += 1) {
    const error = await attempt(work, client, shard, attempts, since);
    if (!error) return true;
    if (shard.stop.signal.aborted) return interrupted(work, shard, attempts - 1, since);
    if (error.entry.scope === 'run') {
      // Refused again in a later round, while the run went on: then it is this item's own matter.
      if (work.attempts > 0) {
        end(work, shard, { ...failure(error), attempts, since });
        return true;
      }
      return refused(work, shard, error, attempts, since);
    }

    const decision = decideRetry({ error, attempts, maxAttempts: shard.options.attempts, random: context.random() });
    switch (decision.action) {
      case 'fail':
        end(work, shard, { ...failure(error), attempts, since });
        return true;
      case 'defer':
        defer(work, shard, {
          ...failure(error),
          attempts,
          since,
          notBefore: context.now() + decision.afterMs,
          ...(decision.parkHost && { host: error.details.host ?? new URL(work.item.url).host }),
        });
        return !decision.parkHost;
      case 'retry':
        context.emit({ event: 'item.retrying', line: work.line, error: error.name, afterMs: decision.afterMs });
        await sleep(decision.afterMs, undefined, { signal: shard.stop.signal }).catch(() => undefined);
        if (shard.stop.signal.aborted) return interrupted(work, shard, attempts, since);
    }
  }
}

async function attempt(
  work: ItemWork,
  client: SourceClient,
  shard: ShardRun,
  attempts: number,
  since: number,
): Promise<SkyhaulError | undefined> {
  const { context, options } = shard;
  const timer = new AbortController();
  const timeoutMs = work.item.timeoutMs ?? options.timeoutMs;
  const timeout =
    timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => timer.abort(new SkyhaulError('ItemTimeout', `not done after ${timeoutMs} ms`)),
          Math.max(0, since + timeoutMs - context.now()),
        );
  let shownAt = context.now();
  try {
    const result = await transferItem({
      run: shard.mark,
      work,
      options,
      destination: shard.destination,
      client,
      pool: shard.pool,
      signal: AbortSignal.any([shard.stop.signal, timer.signal]),
      onBytes(bytes, totalBytes) {
        const now = context.now();
        if (now - shownAt < PROGRESS_MS) return;
        shownAt = now;
        context.emit({ event: 'item.progress', line: work.line, bytes, totalBytes });
      },
    });
    end(work, shard, { ...result, attempts, since });
    return undefined;
  } catch (error) {
    return toSkyhaulError(error);
  } finally {
    clearTimeout(timeout);
  }
}

function failure(error: SkyhaulError) {
  const { status } = error.details;
  return {
    outcome: 'failed',
    error: error.name,
    message: error.message,
    ...(status !== undefined && { status }),
  } as const;
}

type Ended = Partial<Outcome> & Pick<Outcome, 'outcome' | 'attempts'> & { readonly since: number };

function end(work: ItemWork, shard: ShardRun, { since, ...rest }: Ended): void {
  const outcome: Outcome = {
    line: work.line,
    ...(work.item.id !== undefined && { id: work.item.id }),
    url: redactUrl(work.item.url),
    key: work.key,
    ...rest,
    ms: Math.max(0, shard.context.now() - since),
  };
  shard.record({ row: 'outcome', index: work.index, ...outcome });
  shard.context.emit({ event: 'item.ended', outcome });
}

type Deferral = Omit<Extract<LedgerRow, { row: 'deferred' }>, 'row' | 'index' | 'line'>;

function defer(work: ItemWork, shard: ShardRun, rest: Deferral & { readonly outcome?: string }): void {
  const { outcome: _, ...row } = rest;
  shard.record({ row: 'deferred', index: work.index, line: work.line, ...row });
}

/** Stopped from outside: the attempt does not count. Cut by the deadline: next time it gets an invocation to itself. */
function interrupted(work: ItemWork, shard: ShardRun, attempts: number, since: number): false {
  if (shard.isCut && work.alone) {
    const error = new SkyhaulError('NotResumable', catalogue.NotResumable.when);
    end(work, shard, { ...failure(error), attempts: attempts + 1, since });
  } else {
    defer(work, shard, { attempts, since, error: 'Interrupted', ...(shard.isCut && { alone: true }) });
  }
  return false;
}

/** The destination refuses, whatever the item: the whole attempt stops, and Plan decides. */
function refused(work: ItemWork, shard: ShardRun, error: SkyhaulError, attempts: number, since: number): false {
  defer(work, shard, { attempts, since, error: error.name, message: error.message });
  shard.stop.abort(error);
  return false;
}
