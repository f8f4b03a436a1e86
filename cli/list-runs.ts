import { MiB } from '../lib/contract/limits.ts';
import type { Summary } from '../lib/contract/summary.ts';
import { countOutcomes } from '../lib/ledger/count-outcomes.ts';
import { roundOfStatusKey, runKeys } from '../lib/ledger/run-keys.ts';
import { isStopped } from '../lib/ledger/stop-marker.ts';
import { livingOwner } from '../lib/plan/claim.ts';
import { readRunInput } from '../lib/plan/run-input.ts';
import { countsOf, readStatus, type Status } from '../lib/plan/status.ts';
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
  /** Of a run that has no report: as far as its ledger says. */
  readonly counts: Summary['counts'] | undefined;
  /** More was done than that: the ledger is too long to be read for this. */
  readonly isBehind: boolean;
  /** Of the failed: lines that the run did not get to. */
  readonly notTried: number;
}

/** Of the ledger of a round. */
const MOST_LEDGER_BYTES = 4 * MiB;
const MOST_LEDGER_OBJECTS = 200;

type Place = Pick<RunContext, 'state' | 'isAlive'>;

export async function* listRuns(place: Place): AsyncIterable<ListedRun> {
  for await (const found of keysByRun(place.state)) {
    // Of a call that named a run which is not there.
    if (found.objects === 1 && found.keys.has(runKeys(found.run).claim)) continue;
    yield inspect(place, found);
  }
}

async function inspect(place: Place, { run, keys, ledgers }: FoundRun): Promise<ListedRun> {
  const { state } = place;
  const of = runKeys(run);
  const round = Math.max(-1, ...Array.from(keys, (key) => roundOfStatusKey(key) ?? -1));
  const [asked, status] = await Promise.all([readRunInput(state, run), readStatus(state, run, round)]);
  const wasLaidOut = keys.has(of.shards(round));
  const counted = keys.has(of.summary) && !wasLaidOut ? await readCounted(state, run) : undefined;
  const report = counted?.round === round ? counted : undefined;
  const known = status && !report ? await countsAt(state, run, status, ledgers.get(round)) : undefined;
  return {
    run,
    state: report ? await endOf(state, run, round) : await wayOf(place, run, keys.has(of.claim)),
    startedAt: asked?.startedAt,
    items: status?.items,
    counts: report?.counts ?? known?.counts,
    isBehind: known?.isBehind ?? false,
    notTried: report?.notTried ?? 0,
  };
}

/** At the end of the last round, with what the ledger of the one under way says where it is short. */
async function countsAt(state: ObjectStore, run: string, status: Status, ledger: Ledger | undefined) {
  const counts = countsOf(status);
  if (!ledger) return { counts, isBehind: false };
  if (ledger.bytes > MOST_LEDGER_BYTES || ledger.objects > MOST_LEDGER_OBJECTS) return { counts, isBehind: true };
  const since = await countOutcomes(state, run, status.round);
  const sum = (name: keyof typeof counts) => counts[name] + since[name];
  return { counts: { stored: sum('stored'), skipped: sum('skipped'), failed: sum('failed') }, isBehind: false };
}

async function endOf(state: ObjectStore, run: string, round: number): Promise<ListedRun['state']> {
  return (await isStopped(state, run, round)) ? 'stopped' : 'finished';
}

async function wayOf(place: Place, run: string, wasClaimed: boolean): Promise<ListedRun['state']> {
  if (!wasClaimed) return 'submitted';
  return (await livingOwner(place, run)) ? 'running' : 'stopped';
}

const RUN = /^runs\/([^/]+)\//;
/** The rest of a run's objects says nothing about it as a whole. */
const TELLING = /^runs\/[^/]+\/([a-z]+\.json|status\/\d+\/status\.json|rounds\/\d+\/shards\.json)$/;

const LEDGER = /^runs\/[^/]+\/ledger\/(\d+)\//;

interface Ledger {
  objects: number;
  bytes: number;
}

interface FoundRun {
  readonly run: string;
  objects: number;
  /** Those that tell something. */
  readonly keys: Set<string>;
  /** By round. */
  readonly ledgers: Map<number, Ledger>;
}

/** Keys come in their order, so that those of one run stand together. */
async function* keysByRun(state: ObjectStore): AsyncIterable<FoundRun> {
  let found: FoundRun | undefined;
  for await (const { key, bytes } of state.list('runs/')) {
    const run = RUN.exec(key)?.[1];
    if (run === undefined) continue;
    if (run !== found?.run) {
      if (found) yield found;
      found = { run, objects: 0, keys: new Set(), ledgers: new Map() };
    }
    found.objects += 1;
    if (TELLING.test(key)) found.keys.add(key);
    const round = LEDGER.exec(key)?.[1];
    if (round !== undefined) addTo(found.ledgers, Number(round), bytes);
  }
  if (found) yield found;
}

function addTo(ledgers: Map<number, Ledger>, round: number, bytes: number): void {
  const ledger = ledgers.get(round) ?? { objects: 0, bytes: 0 };
  ledgers.set(round, ledger);
  ledger.objects += 1;
  ledger.bytes += bytes;
}
