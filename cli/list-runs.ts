import type { Summary } from '../lib/contract/summary.ts';
import { roundOfStatusKey, runKeys } from '../lib/ledger/run-keys.ts';
import { isStopped } from '../lib/ledger/stop-marker.ts';
import { livingOwner } from '../lib/plan/claim.ts';
import { readRunInput } from '../lib/plan/run-input.ts';
import { readStatus, type Status } from '../lib/plan/status.ts';
import { readCounted } from '../lib/report/report-run.ts';
import type { RunContext } from '../lib/run-context.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';

/** The runs that have their state in one place, in the order of their ids, which is that of their time. */
export interface ListedRun {
  readonly run: string;
  /** `submitted`: nobody has begun it. `stopped`: by somebody, or it failed; it can be continued. */
  readonly state: 'submitted' | 'running' | 'finished' | 'stopped';
  /** Epoch milliseconds. */
  readonly startedAt: number | undefined;
  /** Lines of the list; undefined before it was read. */
  readonly items: number | undefined;
  /** Of a run that has no report: at the end of its last round. */
  readonly counts: Summary['counts'] | undefined;
}

type Place = Pick<RunContext, 'state' | 'isAlive'>;

export async function* listRuns(place: Place): AsyncIterable<ListedRun> {
  for await (const { run, keys } of keysByRun(place.state)) yield inspect(place, run, keys);
}

async function inspect(place: Place, run: string, keys: ReadonlySet<string>): Promise<ListedRun> {
  const { state } = place;
  const of = runKeys(run);
  const round = Math.max(-1, ...Array.from(keys, (key) => roundOfStatusKey(key) ?? -1));
  const [asked, status] = await Promise.all([readRunInput(state, run), readStatus(state, run, round)]);
  const wasLaidOut = keys.has(of.shards(round));
  const counted = keys.has(of.summary) && !wasLaidOut ? await readCounted(state, run) : undefined;
  const report = counted?.round === round ? counted : undefined;
  return {
    run,
    state: report ? await endOf(state, run, round) : await wayOf(place, run, keys.has(of.claim)),
    startedAt: asked?.startedAt,
    items: status?.items,
    counts: report?.counts ?? (status && countsOf(status)),
  };
}

async function endOf(state: ObjectStore, run: string, round: number): Promise<ListedRun['state']> {
  return (await isStopped(state, run, round)) ? 'stopped' : 'finished';
}

async function wayOf(place: Place, run: string, wasClaimed: boolean): Promise<ListedRun['state']> {
  if (!wasClaimed) return 'submitted';
  return (await livingOwner(place, run)) ? 'running' : 'stopped';
}

function countsOf({ items, left, failed, skipped }: Status): Summary['counts'] {
  return { stored: items - left - failed - skipped, skipped, failed };
}

const RUN = /^runs\/([^/]+)\//;
/** The rest of a run's objects says nothing about it as a whole. */
const TELLING = /^runs\/[^/]+\/([a-z]+\.json|status\/\d+\/status\.json|rounds\/\d+\/shards\.json)$/;

/** Keys come in their order, so that those of one run stand together. */
async function* keysByRun(state: ObjectStore): AsyncIterable<{ run: string; keys: ReadonlySet<string> }> {
  let run: string | undefined;
  let keys = new Set<string>();
  for await (const { key } of state.list('runs/')) {
    const of = RUN.exec(key)?.[1];
    if (of === undefined) continue;
    if (of !== run && run !== undefined) {
      yield { run, keys };
      keys = new Set();
    }
    run = of;
    if (TELLING.test(key)) keys.add(key);
  }
  if (run !== undefined) yield { run, keys };
}
