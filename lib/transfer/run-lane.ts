import { setTimeout as sleep } from 'node:timers/promises';
import type { ItemWork } from '../contract/work.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { SourceClient } from '../source/source.ts';
import { ItemTransfer } from './item-transfer.ts';
import { defer, end, fail, interrupted, refused, type Working } from './settle-item.ts';
import type { ShardRun } from './shard-run.ts';
import { Tries } from './tries.ts';

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
  const { context, options } = shard;
  const since = work.since ?? context.now();
  const tries = new Tries({
    failed: work.attempts,
    resumes: work.resumes ?? 0,
    maxAttempts: options.attempts,
    random: context.random,
  });
  const timer = new AbortController();
  const timeout = startTimeout(work, shard, since, timer);
  const transfer = new ItemTransfer({
    run: shard.mark,
    work,
    options,
    destination: shard.destination,
    client,
    secrets: shard.secrets,
    pool: shard.pool,
    tries,
    signal: AbortSignal.any([shard.stop.signal, timer.signal]),
    halt: AbortSignal.any([shard.halt, timer.signal]),
    leave: { isDue: () => context.now() >= shard.roundEndsAt, signal: shard.leave },
    time: shard.time,
    now: context.now,
    record: shard.record,
    flush: shard.flush,
    pause: (ms) => sleep(ms, undefined, { signal: shard.stop.signal }).catch(() => undefined),
    onBytes: progressOf(work, shard),
    userModule: context.userModule,
    log: (message) => context.emit({ event: 'item.log', line: work.line, message }),
  });
  context.emit({ event: 'item.started', line: work.line, url: redactUrl(work.item.url), key: work.key });
  try {
    return await workUntilSettled({ work, shard, transfer, tries, since });
  } finally {
    clearTimeout(timeout);
  }
}

async function workUntilSettled(working: Working): Promise<boolean> {
  const { work, shard, tries } = working;
  const { context, stop } = shard;
  for (;;) {
    const error = await attempt(working);
    if (!error) return true;
    if (stop.signal.aborted || error.name === 'Interrupted') return interrupted(working);
    // Refused again in a later round, while the run went on: then it is this item's own matter.
    if (error.entry.scope === 'run' && work.attempts === 0) return refused(working, error);

    const decision = tries.decide(error);
    switch (decision.action) {
      case 'fail':
        await fail(working, error);
        return true;
      case 'defer': {
        const host = decision.parkHost ? (error.details.host ?? new URL(work.item.url).host) : undefined;
        defer(working, { error, notBefore: context.now() + decision.afterMs, ...(host !== undefined && { host }) });
        return !decision.parkHost;
      }
      case 'retry':
        context.emit({ event: 'item.retrying', line: work.line, error: error.name, afterMs: decision.afterMs });
        await sleep(decision.afterMs, undefined, { signal: stop.signal }).catch(() => undefined);
        if (stop.signal.aborted) return interrupted(working);
    }
  }
}

async function attempt(working: Working): Promise<SkyhaulError | undefined> {
  try {
    const result = await working.transfer.attempt();
    if (result) end(working, result);
    else working.shard.settled.add(working.work);
    return undefined;
  } catch (error) {
    return toSkyhaulError(error);
  }
}

function startTimeout(work: ItemWork, { context, options }: ShardRun, since: number, timer: AbortController) {
  const timeoutMs = work.item.timeoutMs ?? options.timeoutMs;
  if (timeoutMs === undefined) return undefined;
  const error = new SkyhaulError('ItemTimeout', `not done after ${timeoutMs} ms`);
  return setTimeout(() => timer.abort(error), Math.max(0, since + timeoutMs - context.now()));
}

function progressOf(work: ItemWork, { context }: ShardRun) {
  let shownAt = context.now();
  return (bytes: number, totalBytes: number | undefined) => {
    const now = context.now();
    if (now - shownAt < PROGRESS_MS) return;
    shownAt = now;
    context.emit({ event: 'item.progress', line: work.line, bytes, totalBytes });
  };
}
