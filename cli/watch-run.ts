import { setTimeout as sleep } from 'node:timers/promises';
import { type Summary, summary as summarySchema } from '../lib/contract/summary.ts';
import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { getJson } from '../lib/ledger/json-lines.ts';
import { runKeys } from '../lib/ledger/run-keys.ts';
import { requireRunInput } from '../lib/plan/run-input.ts';
import { newestStatus } from '../lib/plan/status.ts';
import { isReported } from '../lib/report/report-run.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { type Execution, isRunning } from './executions.ts';
import { RunFollower } from './run-follower.ts';
import type { ShownEvent } from './shown-event.ts';

/**
 * Watches a run until it ends: the ledger for what happens, the execution for whether it goes on. It asks gently, the
 * longer an answer takes the more rarely, and a few lost answers in a row do not end it.
 */
export interface Watch {
  readonly state: ObjectStore;
  readonly run: string;
  /** The execution as it is now. Undefined: Step Functions knows none. */
  readonly execution: () => Promise<Execution | undefined>;
  readonly emit: (event: ShownEvent) => void;
  readonly now: () => number;
  /** Epoch milliseconds; then the watch ends, not the run. */
  readonly until: number | undefined;
  readonly signal: AbortSignal;
}

export type Watched =
  | { readonly end: 'summary'; readonly summary: Summary }
  /** It ended without a report. Undefined: nobody knows how. */
  | { readonly end: 'failed'; readonly execution: Execution | undefined }
  | { readonly end: 'timeout' };

const MOST_LOST_ANSWERS = 5;

/** Throws RunNotFound, Interrupted, and what stores and AWS throw. */
export async function watchRun(watch: Watch): Promise<Watched> {
  const follower = new RunFollower(watch.state, watch.run, watch.now);
  let lost = 0;
  for (;;) {
    const begunAt = watch.now();
    try {
      const ended = await look(watch, follower);
      if (ended) return ended;
      lost = 0;
    } catch (thrown) {
      lost += 1;
      if (watch.signal.aborted || !toSkyhaulError(thrown).retryable || lost > MOST_LOST_ANSWERS) throw thrown;
    }
    const pauseMs = pauseAfter(watch.now() - begunAt);
    if (watch.until !== undefined && watch.now() + pauseMs > watch.until) return { end: 'timeout' };
    await pause(pauseMs, watch.signal);
  }
}

/** Reading takes at most a sixth of the time. */
export function pauseAfter(tookMs: number): number {
  return Math.min(30_000, Math.max(1_000, 5 * tookMs));
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    throw new SkyhaulError('Interrupted', 'nobody watches any more');
  });
}

async function look(watch: Watch, follower: RunFollower): Promise<Watched | undefined> {
  // First the execution: when it had ended, everything it did is there to be read.
  const execution = await watch.execution();
  for await (const event of follower.poll()) {
    if (watch.signal.aborted) throw new SkyhaulError('Interrupted', 'nobody watches any more');
    watch.emit(event);
  }
  if (execution && isRunning(execution)) return undefined;
  const isDone = execution ? execution.status === 'SUCCEEDED' : await hasReport(watch);
  const summary = isDone ? await readSummary(watch.state, watch.run) : undefined;
  if (!summary) return { end: 'failed', execution };
  watch.emit({ event: 'run.reported', run: watch.run, summary });
  return { end: 'summary', summary };
}

async function hasReport({ state, run }: Watch): Promise<boolean> {
  const [, status] = await Promise.all([requireRunInput(state, run), newestStatus(state, run)]);
  return status !== undefined && (await isReported({ state }, run, status));
}

export async function readSummary(state: ObjectStore, run: string): Promise<Summary | undefined> {
  const found = await getJson(state, runKeys(run).summary);
  return found === undefined ? undefined : summarySchema.parse(found);
}
