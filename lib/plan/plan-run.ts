import { type BatchInput, batchInput } from '../contract/batch-input.ts';
import { checkInlineOptions } from '../contract/inline-secrets.ts';
import { type PlanAnswer, type PlanEvent, planAnswer, type Shard } from '../contract/machine.ts';
import type { GivenOptions } from '../contract/merge-options.ts';
import { requireSupportedOptions } from '../contract/not-supported.ts';
import { parseContract, problemsError } from '../contract/parse.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { runKeys } from '../ledger/run-keys.ts';
import { endRound, isStopped, resumeFrom } from '../ledger/stop-marker.ts';
import { hasTimeFor, type RunContext } from '../run-context.ts';
import { keepYoungGenerationSmall } from '../young-generation.ts';
import { abortUploads } from './abort-uploads.ts';
import { loweredOptions, requirePossible, withinLimits } from './check-input.ts';
import { requireClaim, takeClaim } from './claim.ts';
import { decideNext } from './decide-next.ts';
import { fanOutMode } from './fan-out-mode.ts';
import { fitRound, runDoesNotFit } from './fit-run.ts';
import { foldRound } from './fold-round.ts';
import { refusing } from './host-trouble.ts';
import { limitsAt, shardLimits } from './limits.ts';
import { readList } from './read-list.ts';
import { planRound, workersFor } from './round-plan.ts';
import { type RunInput, requireRunInput, settleInput } from './run-input.ts';
import { type Left, newestStatus, noteLimit, readLeft, type Status, writeStatus } from './status.ts';
import { writeRound } from './write-round.ts';

const FIRST_ROUND_MINUTES = 5;
const ROUND_MINUTES = 30;
/** Time that laying out a round of a few million lines may take. */
const LAY_OUT_MS = 5 * 60_000;

/**
 * Decides what the run does next, from what stands in the state and from nothing else: asked again, after a lost answer,
 * a crash or a takeover, it goes on from there. It fetches nothing and writes no object, only run state.
 */
export async function planRun(event: PlanEvent, context: RunContext): Promise<PlanAnswer> {
  keepYoungGenerationSmall();
  const begun = await begin(event, context);
  const { run, asked, isFirst } = begun;
  const position = await currentPosition(context, begun);
  const { status, left } = position;
  if (isFirst && context.inProcess && position.wasBegun) {
    // Nobody works on them; those that the ledger knows go on.
    await abortLeftUploads(context, run, asked, status, new Set(left.flatMap(({ open }) => open?.upload ?? [])));
  }
  if (isFirst) await resumeFrom(context.state, run, status.round);
  else if (await isStopped(context.state, run, status.round)) {
    return endRun(context, run, asked, status);
  }
  // Only after work that is not done again: an invocation that is short from the start would ask for ever.
  const mayPause = position.isAdvanced && !hasTimeFor(context, LAY_OUT_MS);
  if (mayPause) return answer({ run, round: status.round, next: 'continue' }, context, asked);
  const next = decideNext({
    left,
    now: context.now(),
    startedAt: asked.startedAt,
    maxHours: asked.input.options.maxHours,
    ...limitsAt(status, asked.input.options),
  });
  switch (next.step) {
    case 'report':
      return endRun(context, run, asked, status);
    case 'stop':
      await noteLimit(context.state, run, status, next.why);
      return endRun(context, run, asked, status);
    case 'wait':
      context.emit({ event: 'run.waiting', run, seconds: next.seconds, ...refusing(status.hosts) });
      return answer({ run, round: status.round, next: 'wait', waitSeconds: next.seconds }, context, asked);
    case 'fan-out':
      return fanOut(context, run, asked, status, next.ready);
  }
}

/** To the report, once nothing is left open and nobody can open anything more. */
async function endRun(context: RunContext, run: string, asked: RunInput, status: Status): Promise<PlanAnswer> {
  const { round, busyUntil } = status;
  if (busyUntil > context.now()) {
    // A worker that may live still could begin an upload behind our back. Waiting costs nothing.
    const waitSeconds = Math.ceil((busyUntil - context.now()) / 1_000);
    return answer({ run, round, next: 'wait', waitSeconds }, context, asked);
  }
  await abortLeftUploads(context, run, asked, status);
  return answer({ run, round, next: 'report' }, context, asked);
}

interface Begun {
  readonly run: string;
  readonly asked: RunInput;
  /** The newest one; none before the list is read. */
  readonly status: Status | undefined;
  /** The beginning of an execution, not one of its later rounds. */
  readonly isFirst: boolean;
}

async function begin(event: PlanEvent, context: RunContext): Promise<Begun> {
  const going = planAnswer.safeParse(event.input);
  if (going.success) {
    const { run } = going.data;
    const settled = await requireRunInput(context.state, run);
    await requireClaim(context, run);
    const asked = withinLimits(context, settled);
    return { run, asked, status: await newestStatus(context.state, run), isFirst: false };
  }
  const input = parseContract(batchInput, event.input, 'batch input');
  requireSupportedOptions(input.options);
  const misfit = context.inProcess ? undefined : runDoesNotFit(input.options);
  if (misfit !== undefined) throw new SkyhaulError('BatchInvalid', misfit);
  const secrets = context.inProcess ? [] : checkInlineOptions(input.options);
  if (secrets.length > 0) throw problemsError('BatchInvalid', 'batch input', secrets);
  const run = input.run ?? runNameOf(event.execution.name);
  await refuseEarly(context, input);
  await takeClaim(context, run);
  const status = await newestStatus(context.state, run);
  const terms = {
    given: (event.input as { readonly options?: GivenOptions }).options ?? {},
    defaults: context.defaults,
    allowNetworks: context.inProcess ? context.allowNetworks : undefined,
  };
  const settled = await settleInput(context.state, run, input, context.now(), status !== undefined, terms);
  const asked = withinLimits(context, settled);
  requirePossible(context, run, asked.input.options, status);
  if (status) await requireSameList(context, run, input, status);
  return { run, asked, status, isFirst: true };
}

/**
 * On one machine a list that is named again is one that somebody wants to be run: another one is not silently answered by the
 * report of the first. Deployed, an execution may ask again long after its list was read; lists lie in the state of their run there.
 */
async function requireSameList(
  { inProcess, state, openManifest }: RunContext,
  run: string,
  given: BatchInput,
  status: Status,
) {
  const uri = given.manifest?.uri;
  if (!inProcess || uri === undefined || uri.startsWith(state.uri)) return;
  const { etag } = await openManifest(uri);
  if (etag === status.manifestEtag) return;
  const text = `run ${run} was started with another version of ${uri}; give this one a run of its own`;
  throw new SkyhaulError('RunInputDiffers', text);
}

/** Execution names may hold what run ids may not. */
function runNameOf(execution: string): string {
  const name = execution
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63);
  return name === '' ? 'run' : name;
}

/** A destination that is missing or closed is found before the list is read (FAULTS S20). */
async function refuseEarly(context: RunContext, input: BatchInput): Promise<void> {
  const destination = context.openDestination(input.to);
  try {
    for await (const _ of destination.list('.skyhaul-preflight')) break;
  } finally {
    await destination.close();
  }
}

/** Uploads that nobody works on any more: those of a killed process, and at the end of a run all that there are. */
async function abortLeftUploads(
  context: RunContext,
  run: string,
  asked: RunInput,
  { items }: Status,
  keep: ReadonlySet<string> = new Set(),
): Promise<void> {
  const destination = context.openDestination(asked.input.to);
  try {
    const { transform } = asked.input.options;
    await abortUploads(context, run, { destination, since: asked.startedAt, items, keep, transform });
  } finally {
    await destination.close();
  }
}

/**
 * The status the run stands at, after folding a round that has ended. Whoever starts a run again does so because what
 * ended it is mended: then the round that failed is no reason to fail once more.
 */
async function currentPosition(context: RunContext, { run, asked, status, isFirst }: Begun) {
  const { state } = context;
  const keys = runKeys(run);
  if (!status) return { ...(await readList(context, run, asked)), isAdvanced: true, wasBegun: false };
  const wasLaidOut = (await state.head(keys.shards(status.round))) !== undefined;
  if (!wasLaidOut) {
    const left = await readLeft(state, run, status.round);
    const fresh = isFirst ? inNewExecution(status) : status;
    if (fresh.historyEvents !== status.historyEvents) await writeStatus(state, run, fresh, left);
    return { status: fresh, left, isAdvanced: false, wasBegun: true };
  }
  // First the marker, then the ledger: a worker that begins now either finds the one or stands in the other.
  if (!context.inProcess) await endRound(state, run, status.round);
  const before = isFirst ? inNewExecution(status) : status;
  const folded = await foldRound(context, run, before, isFirst, asked.input.options);
  return { ...folded, isAdvanced: true, wasBegun: true };
}

/** Nothing stands in the history of a new execution. */
function inNewExecution(status: Status): Status {
  return { ...status, idleRounds: 0, historyEvents: 0 };
}

async function fanOut(context: RunContext, run: string, asked: RunInput, status: Status, ready: readonly Left[]) {
  const { options, to } = asked.input;
  const { round } = status;
  const minutes = options.roundMinutes ?? context.roundMinutes ?? (round === 0 ? FIRST_ROUND_MINUTES : ROUND_MINUTES);
  const workers = concurrencyOf(context, asked);
  // In-process more shards than run at once would only wait for each other.
  const maxShards = context.inProcess ? Math.min(context.maxShards, workers) : context.maxShards;
  const troubled = new Map(status.hosts?.map(({ host, refusals }) => [host, refusals]));
  const delays = new Map(status.delays?.map(({ host, ms }) => [host, ms]));
  const plan = planRound(ready, { options, leads: status.leads, delays, troubled, workers, maxShards });
  const { layout, lanes, cost } = plan;
  if (!context.inProcess) {
    const facts = { shards: layout.shards.length, maxConcurrency: workers, eventsSoFar: status.historyEvents };
    const fit = fitRound(facts);
    if (fit.verdict === 'stop') {
      await noteLimit(context.state, run, status, fit.why);
      return endRun(context, run, asked, status);
    }
    if (fit.verdict === 'refuse') throw new SkyhaulError('BatchInvalid', fit.why);
  }
  const runEndsAt = asked.startedAt + options.maxHours * 3_600_000;
  const roundEndsAt = Math.round(Math.min(context.now() + minutes * 60_000, runEndsAt));
  const header = { run, round, to, options, startedAt: asked.startedAt, roundEndsAt };
  const sharers = context.inProcess ? 1 : layout.shards.length;
  const shards = await writeRound(context.state, header, plan, shardLimits(status, options, sharers));
  const items = shards.reduce((sum, shard) => sum + shard.items, 0);
  const lowered = loweredOptions(context, asked);
  context.emit({
    event: 'run.planned',
    run,
    round,
    items,
    left: status.left,
    shards: shards.length,
    lanes,
    ...(!context.inProcess && { cost }),
    ...(lowered && { lowered }),
  });
  const mode = context.inProcess ? 'inline' : fanOutMode(shards.length, status.historyEvents);
  return answer({ run, round, next: 'fan-out', mode, shards }, context, asked);
}

function concurrencyOf(context: RunContext, { input }: RunInput): number {
  const { maxConcurrency = context.concurrency.default } = input.options;
  return workersFor(Math.min(maxConcurrency, context.concurrency.ceiling), input.options);
}

type Answered = Pick<PlanAnswer, 'run' | 'round' | 'next'> & {
  readonly waitSeconds?: number;
  readonly mode?: PlanAnswer['mode'];
  readonly shards?: readonly Shard[];
};

function answer(given: Answered, context: RunContext, asked: RunInput): PlanAnswer {
  const { run, round, next, waitSeconds = 0, mode = 'inline', shards = [] } = given;
  const uri = context.state.uriOf(runKeys(run).shards(round));
  const [, bucket = '', key = uri] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  return {
    run,
    round,
    next,
    waitSeconds,
    maxConcurrency: concurrencyOf(context, asked),
    mode,
    shards: mode === 'inline' ? [...shards] : [],
    shardsAt: { bucket, key },
  };
}
