import type { BatchInput } from '../lib/contract/batch-input.ts';
import type { Options } from '../lib/contract/options.ts';
import { type ErrorName, isErrorName } from '../lib/errors/catalogue.ts';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { encodeLine, putLines } from '../lib/ledger/json-lines.ts';
import { runKeys } from '../lib/ledger/run-keys.ts';
import { livingOwner } from '../lib/plan/claim.ts';
import { requireRunInput } from '../lib/plan/run-input.ts';
import { newestStatus } from '../lib/plan/status.ts';
import { type FailedLine, readFailed, withoutBatch } from '../lib/report/failed-lines.ts';
import { isReported, readCounted } from '../lib/report/report-run.ts';
import type { RunContext } from '../lib/run-context.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';

/**
 * The failed lines of a run as the list of a new one. It is a copy, in the state of the new run: whatever becomes of the
 * first run, the new one has its list. A run that goes on still, or could, has no failed lines yet and is refused.
 */
export type RedrivePlace = Pick<RunContext, 'state' | 'isAlive'>;

export interface RedriveWish {
  readonly run: string;
  /** Id of the new run; undefined: the next free one of `<run>-r1`, `<run>-r2`, … */
  readonly as: string | undefined;
  /** Names of errors; empty: all. */
  readonly only: ReadonlySet<ErrorName>;
}

export interface FailedCount {
  /** Failed lines in all, and those that are asked for. */
  readonly all: number;
  readonly chosen: number;
  /** Lines that failed, and that nobody can run: bad ones of the list. */
  readonly bad: number;
  /** Of those that are asked for. */
  readonly byName: ReadonlyMap<ErrorName, number>;
  /** Some of them, or the batch, use the user's own code, or secrets. */
  readonly needsModule: boolean;
  readonly needsSecrets: boolean;
}

/** What the run was asked for. Throws RunNotFound, RunInUse, ReportMissing. */
export async function requireEnded({ state, isAlive }: RedrivePlace, run: string): Promise<BatchInput> {
  const asked = await requireRunInput(state, run);
  const status = await newestStatus(state, run);
  // Laid out again behind its report: it was continued.
  const goesOn = status !== undefined && (await state.head(runKeys(run).shards(status.round))) !== undefined;
  if (status && !goesOn && (await isReported({ state }, run, status))) return asked.input;
  const owner = await livingOwner({ state, isAlive }, run);
  if (owner) throw new SkyhaulError('RunInUse', `run ${run} is being worked on by ${owner.execution}`);
  throw new SkyhaulError('ReportMissing', `run ${run} was left in its middle: continue it, or stop it`);
}

export async function countFailed(state: ObjectStore, wish: RedriveWish, options: Options): Promise<FailedCount> {
  const byName = new Map<ErrorName, number>();
  let [all, chosen] = [0, 0];
  let [needsModule, needsSecrets] = [false, false];
  for await (const line of readFailed(state, wish.run, new Set())) {
    all += 1;
    const { name } = line.error;
    if (!isErrorName(name) || (wish.only.size > 0 && !wish.only.has(name))) continue;
    chosen += 1;
    byName.set(name, (byName.get(name) ?? 0) + 1);
    needsModule ||= usesModule(line);
    needsSecrets ||= usesSecrets(line);
  }
  const failed = (await readCounted(state, wish.run))?.counts.failed ?? all;
  return {
    all,
    chosen,
    bad: Math.max(0, failed - all),
    byName,
    needsModule: needsModule || usesModule(options),
    needsSecrets: needsSecrets || usesSecrets(options.request),
  };
}

/** Writes the list into the state of the new run. Throws RunInputDiffers where `as` is taken. */
export async function writeRedriveList(state: ObjectStore, wish: RedriveWish, options: Options) {
  const run = await freeId(state, wish);
  const key = `runs/${run}/manifest.jsonl`;
  await putLines(state, key, listLines(state, wish, options), { condition: { kind: 'absent' }, sealed: true });
  return { run, uri: state.uriOf(key) };
}

async function* listLines(state: ObjectStore, { run, only }: RedriveWish, options: Options): AsyncIterable<string> {
  for await (const line of readFailed(state, run, only)) yield encodeLine(withoutBatch(line, options));
}

async function freeId(state: ObjectStore, { run, as }: RedriveWish): Promise<string> {
  if (as !== undefined) {
    if (await isFree(state, as)) return as;
    throw new SkyhaulError('RunInputDiffers', `there is a run ${as} already`);
  }
  for (let n = 1; ; n += 1) {
    const id = redriveId(run, n);
    if (await isFree(state, id)) return id;
  }
}

async function isFree(state: ObjectStore, run: string): Promise<boolean> {
  for await (const _ of state.list(`runs/${run}/`)) return false;
  return true;
}

/** `nightly` → `nightly-r1`; what comes of `nightly-r1` is `nightly-r2`. A run id has at most 63 characters. */
export function redriveId(run: string, n: number): string {
  const suffix = `-r${n}`;
  return `${run.replace(/-r\d+$/, '').slice(0, 63 - suffix.length)}${suffix}`;
}

function usesModule({ transform }: FailedLine | Pick<Options, 'transform'>): boolean {
  return Array.isArray(transform) && transform.some((step) => step === 'module' || step?.name === 'module');
}

/** `{ "secret": … }` may stand in many fields; no other object of a request has this one name. */
function usesSecrets(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.entries(value);
  if (entries.length === 1 && typeof entries[0]?.[1] === 'string' && entries[0][0] === 'secret') return true;
  return entries.some(([, content]) => usesSecrets(content));
}
