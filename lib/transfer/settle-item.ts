import type { LedgerRow } from '../contract/ledger-row.ts';
import type { Outcome } from '../contract/outcome.ts';
import { toldOfError, toldOfLine } from '../contract/tell-outcome.ts';
import type { ItemWork } from '../contract/work.ts';
import { catalogue } from '../errors/catalogue.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { ItemResult } from './item-job.ts';
import type { ItemTransfer } from './item-transfer.ts';
import type { ShardRun } from './shard-run.ts';
import type { Tries } from './tries.ts';

/** One piece of work under way: how it ends is written down here, in one place. */
export interface Working {
  readonly work: ItemWork;
  readonly shard: ShardRun;
  readonly transfer: ItemTransfer;
  readonly tries: Tries;
  /** Epoch milliseconds of the first attempt. */
  readonly since: number;
}

export function end(working: Working, result: ItemResult): void {
  record(working, { ...result, attempts: working.tries.failed + 1 });
}

/** For good: what was stored of it is given up. */
export async function fail(working: Working, error: SkyhaulError): Promise<void> {
  await working.transfer.abandon();
  record(working, { outcome: 'failed', ...toldOfError(error), attempts: working.tries.failed });
}

function record(
  { work, shard, transfer, tries, since }: Working,
  rest: Partial<Outcome> & Pick<Outcome, 'outcome' | 'attempts'>,
) {
  const outcome: Outcome = {
    ...toldOfLine(work),
    key: transfer.key,
    ...rest,
    ...(tries.resumes > 0 && { resumes: tries.resumes }),
    ms: Math.max(0, shard.context.now() - since),
  };
  shard.record({ row: 'outcome', index: work.index, ...outcome });
  shard.settled.add(work);
  shard.context.emit({ event: 'item.ended', index: work.index, outcome });
}

type Deferral = Pick<Extract<LedgerRow, { row: 'deferred' }>, 'notBefore' | 'host' | 'alone'> & {
  readonly error?: SkyhaulError;
};

/** To a later round. Who came forward has all tries again. */
export function defer({ work, shard, transfer, tries, since }: Working, { error, ...rest }: Deferral): void {
  shard.record({
    row: 'deferred',
    index: work.index,
    line: work.line,
    attempts: transfer.hasAdvanced ? 0 : tries.failed,
    since,
    ...(tries.resumes > 0 && { resumes: tries.resumes }),
    ...(error && toldOfError(error)),
    ...rest,
  });
  shard.settled.add(work);
}

/**
 * Stopped from outside. What can be gone on with waits for whoever comes next: the next invocation of this round, or
 * Plan. What cannot gets an invocation to itself once, when it was the deadline that cut it.
 */
export async function interrupted(working: Working): Promise<false> {
  const { work, shard, transfer, tries } = working;
  const { context, stop } = shard;
  if (transfer.canGoOn) {
    if (shard.isCut && transfer.hasAdvanced && context.now() < shard.roundEndsAt) return false;
    const isOwn = shard.isCut || !stop.signal.aborted;
    if (isOwn && !transfer.hasAdvanced) tries.idled();
    if (tries.failed >= shard.options.attempts) await fail(working, noStep(tries));
    else defer(working, isOwn ? {} : { error: stopped() });
    return false;
  }
  const needsMore = shard.isCut || !stop.signal.aborted;
  if (needsMore && work.alone) {
    tries.idled();
    await fail(working, new SkyhaulError('NotResumable', catalogue.NotResumable.when));
  } else {
    defer(working, { error: stopped(), ...(needsMore && { alone: true }) });
  }
  return false;
}

/** The destination refuses, whatever the item: the whole attempt stops, and Plan decides. */
export function refused(working: Working, error: SkyhaulError): false {
  working.shard.stop.abort(error);
  working.tries.idled();
  defer(working, { error });
  return false;
}

function stopped(): SkyhaulError {
  return new SkyhaulError('Interrupted', catalogue.Interrupted.when);
}

function noStep(tries: Tries): SkyhaulError {
  return new SkyhaulError('SourceTooSlow', `${tries.failed} tries in a row ended before one more part was whole`);
}
