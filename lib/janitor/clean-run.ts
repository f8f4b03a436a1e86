import { foldShard } from '../ledger/fold-shard.ts';
import { readRoundLedger } from '../ledger/read-ledger.ts';
import { runKeys } from '../ledger/run-keys.ts';
import { requestStop } from '../ledger/stop-marker.ts';
import { abortUploads } from '../plan/abort-uploads.ts';
import { livingOwner, releaseClaim, takeClaim } from '../plan/claim.ts';
import { foldRound } from '../plan/fold-round.ts';
import { readRunInput } from '../plan/run-input.ts';
import { newestStatus, type Status } from '../plan/status.ts';
import { isReported, reportRun } from '../report/report-run.ts';
import type { RunContext } from '../run-context.ts';

/**
 * `running`: its execution is at work. `busy`: the execution ended, a worker of it may still live, or a
 * long report is half written. `clean`: nothing was
 * left to do. `reported`: uploads aborted, report written.
 */
export type Cleaned =
  | { readonly state: 'running' | 'clean' }
  | { readonly state: 'busy'; readonly until: number }
  | { readonly state: 'reported'; readonly aborted: number };

/**
 * Ends a run whose execution ended without its report: stopped by hand, failed, or killed. Waits for nobody: while a
 * worker may live it says so, and is called again. The run can still be continued afterwards.
 */
export async function cleanRun(run: string, context: RunContext): Promise<Cleaned> {
  const { state } = context;
  const asked = await readRunInput(state, run);
  const status = await newestStatus(state, run);
  if (!asked || !status) return { state: 'clean' };
  const wasLaidOut = (await state.head(runKeys(run).shards(status.round))) !== undefined;
  // First of all, since of most runs nothing else is to be asked, hour after hour.
  if (!wasLaidOut && (await isReported(context, run, status))) return { state: 'clean' };
  if (await livingOwner(context, run)) return { state: 'running' };

  // First the marker, then the ledger: a worker that begins now either finds the one or stands in the other.
  await requestStop(state, run);
  // Of an earlier round, too: Plan folds a round while a worker of it may live, and waits for it later.
  const until = Math.max(status.busyUntil, wasLaidOut ? await busyUntil(context, run, status) : 0);
  if (until > context.now()) return { state: 'busy', until };
  await takeClaim(context, run);
  if (wasLaidOut) await foldRound(context, run, status, true);
  const destination = context.openDestination(asked.input.to);
  try {
    const { transform } = asked.input.options;
    const which = { destination, since: asked.startedAt, items: status.items, transform };
    const aborted = await abortUploads(context, run, which);
    const { next } = await reportRun({ run }, context);
    // The time of this invocation is up: the next one writes the rest.
    return next === 'continue' ? { state: 'busy', until: context.now() } : { state: 'reported', aborted };
  } finally {
    await destination.close();
    await releaseClaim(context, run);
  }
}

async function busyUntil(context: RunContext, run: string, { round }: Status): Promise<number> {
  let until = 0;
  for await (const { attempts } of readRoundLedger(context.state, run, round)) {
    until = Math.max(until, foldShard(attempts).busyUntil);
  }
  return until;
}

const CLAIM_KEY = /^runs\/([^/]+)\/claim\.json$/;

/** Every run there is state of, one after another. One that cannot be cleaned does not keep the others from it. */
export async function cleanRuns(context: RunContext, seen: (run: string, cleaned: Cleaned | Error) => void) {
  for await (const { key } of context.state.list('runs/')) {
    const run = CLAIM_KEY.exec(key)?.[1];
    if (run === undefined) continue;
    seen(
      run,
      await cleanRun(run, context).catch((error: unknown) => (error instanceof Error ? error : Error(String(error)))),
    );
  }
}
