import { z } from 'zod';
import type { ReportAnswer, ReportEvent } from '../contract/machine.ts';
import type { Options } from '../contract/options.ts';
import { outcome } from '../contract/outcome.ts';
import { type Summary, summary as summarySchema } from '../contract/summary.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { encodeLine, getJson, getLines, putJson, putLines, putText } from '../ledger/json-lines.ts';
import { runKeys } from '../ledger/run-keys.ts';
import { trialLimit } from '../plan/limits.ts';
import { type RunInput, readRunInput } from '../plan/run-input.ts';
import { type Left, newestStatus, type Status } from '../plan/status.ts';
import { hasTimeFor, type RunContext } from '../run-context.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { Causes, cause, isUntried } from './causes.ts';
import { costOf } from './cost.ts';
import { reportHtml } from './report-html.ts';
import { failedLine, type LeftLines, type ReportLine, reportLines, type Unfinished } from './report-lines.ts';

const ANY = { condition: { kind: 'any' } } as const;
/** Failed lines that the HTML report shows. */
const MAX_SAMPLES = 200;
/** Time that going over a few million lines once more may take. */
const SECOND_PASS_MS = 5 * 60_000;

/** What the first pass over the lines learns; kept, so that a second invocation can go on from there. */
const counted = z.strictObject({
  /** The status that was reported. A run that went on since is reported anew. */
  round: z.int(),
  /** Its summary stands, too; until then `summary.json` may be that of an earlier report. */
  complete: z.boolean().optional(),
  counts: summarySchema.shape.counts,
  bytes: z.int(),
  samples: z.array(outcome.pick({ line: true, url: true, error: true, message: true })),
  errors: summarySchema.shape.errors,
  /** Of the failed: lines that nobody got to. They are neither among the samples nor among the causes. */
  notTried: z.int().min(0).optional(),
  /** Lines of `failed.jsonl`: bad lines of the list are none. */
  again: z.int().min(0).optional(),
  causes: z.array(cause).optional(),
});
export type Counted = z.infer<typeof counted>;
type Stated = Pick<RunContext, 'state'>;

/** What is said of lines that the run did not get to. */
function unfinishedOf({ limit }: Status): Unfinished {
  if (limit === undefined) return { error: 'Interrupted', message: 'the run was stopped before this line was done' };
  return { error: 'LimitReached', message: `${limit}; this line was not done by then` };
}

/** The same of lines that it was never to get to. */
function behindTrial({ limit }: Options): LeftLines['behind'] {
  if (limit === undefined) return undefined;
  return { from: limit, error: 'LimitReached', message: `${trialLimit(limit)}; this line stands behind them` };
}

/**
 * Writes `report.jsonl`, `failed.jsonl`, `report.html` and, last, `summary.json`. What is reported already
 * is not reported again: the stored summary is the answer.
 */
export async function reportRun(event: ReportEvent, context: RunContext): Promise<ReportAnswer> {
  const { run } = event;
  const { state } = context;
  const keys = runKeys(run);
  const [asked, status] = await Promise.all([readRunInput(state, run), newestStatus(state, run)]);
  if (!asked || !status) throw new SkyhaulError('RunNotFound', `there is no run ${run} at ${state.uri}`);

  const before = await countedAt(context, run, status);
  const existing = before?.complete ? await getJson(state, keys.summary) : undefined;
  if (existing !== undefined) return answer(event, context, summarySchema.parse(existing));
  const left = {
    ...unfinishedOf(status),
    behind: behindTrial(asked.input.options),
    attempts: status.left > 0 ? await attemptsOf(state, run, status) : new Map(),
  };
  const found = before ?? (await writeLines(context, run, status, left));
  // Only after work that is not done again: an invocation that is short from the start would ask for ever.
  if (before === undefined && !hasTimeFor(context, SECOND_PASS_MS)) return { run, next: 'continue' };

  const again = found.counts.failed > 0 ? failedLines(reportLines(state, run, status, left), asked.input.options) : [];
  await putLines(state, keys.failed, again, { ...ANY, sealed: true });
  const summary = summarise(context, run, asked, status, found);
  const html = reportHtml(summary, found.samples, found.causes);
  await putText(state, keys.html, html, { ...ANY, contentType: 'text/html; charset=utf-8' });
  await putJson(state, keys.summary, summary, ANY);
  await putJson(state, keys.counted, { ...found, complete: true }, ANY);
  return answer(event, context, summary);
}

/** Whether this status of the run has its report. */
export async function isReported(context: Stated, run: string, status: Status): Promise<boolean> {
  const found = await countedAt(context, run, status);
  return found?.complete === true;
}

/** What the last report of the run counted; the run may have gone on since. */
export async function readCounted(state: ObjectStore, run: string): Promise<Counted | undefined> {
  const found = await getJson(state, runKeys(run).counted);
  return found === undefined ? undefined : counted.parse(found);
}

/** Of lines that are left and were tried. */
async function attemptsOf(state: ObjectStore, run: string, { round }: Status): Promise<Map<number, number>> {
  const attempts = new Map<number, number>();
  for await (const line of getLines(state, runKeys(run).left(round))) {
    const item = line as Pick<Left, 'index' | 'attempts'>;
    if (item.attempts > 0) attempts.set(item.index, item.attempts);
  }
  return attempts;
}

async function countedAt({ state }: Stated, run: string, { round }: Status): Promise<Counted | undefined> {
  const before = await readCounted(state, run);
  return before?.round === round ? before : undefined;
}

async function writeLines(context: RunContext, run: string, status: Status, left: LeftLines): Promise<Counted> {
  const counts = { stored: 0, skipped: 0, failed: 0 };
  const found = { round: status.round, counts, bytes: 0, samples: [], errors: {}, notTried: 0, again: 0, causes: [] };
  const lines = reportLines(context.state, run, status, left);
  await putLines(context.state, runKeys(run).report, counting(lines, found), ANY);
  await putJson(context.state, runKeys(run).counted, found, ANY);
  return found;
}

async function* counting(lines: AsyncIterable<ReportLine>, found: Required<Omit<Counted, 'complete'>>) {
  const causes = new Causes();
  for await (const { outcome: one, listed } of lines) {
    found.counts[one.outcome] += 1;
    if (one.outcome === 'stored') found.bytes += one.bytes ?? 0;
    if (one.outcome === 'failed') {
      const { line, url, error = 'Unexpected', message } = one;
      found.errors[error] = (found.errors[error] ?? 0) + 1;
      found.again += listed ? 1 : 0;
      if (isUntried(one)) found.notTried += 1;
      else {
        causes.add(one);
        if (found.samples.length < MAX_SAMPLES) found.samples.push({ line, url, error, message });
      }
    }
    yield encodeLine(one);
  }
  found.causes = causes.list();
}

async function* failedLines(
  lines: AsyncIterable<ReportLine>,
  options: Pick<Options, 'transform' | 'request'>,
): AsyncIterable<string> {
  for await (const line of lines) {
    const failed = failedLine(line, options);
    if (failed) yield encodeLine(failed);
  }
}

function summarise(context: RunContext, run: string, asked: RunInput, status: Status, found: Counted): Summary {
  const { state } = context;
  const keys = runKeys(run);
  const limit = limitOf(status, asked.input.options);
  return {
    run,
    counts: found.counts,
    ...(found.notTried && { notTried: found.notTried }),
    ...(found.counts.failed > 0 && found.errors && { errors: found.errors }),
    bytes: found.bytes,
    seconds: Math.max(0, Math.round((context.now() - asked.startedAt) / 100) / 10),
    cost: costOf(status.spent, asked.input.to.startsWith('s3://')),
    ...(limit !== undefined && { limit }),
    report: state.uriOf(keys.report),
    failed: state.uriOf(keys.failed),
    html: state.uriOf(keys.html),
  };
}

/** The limits that lines were left behind, in words. */
function limitOf(status: Status, { limit }: Options): string | undefined {
  const reached = [
    ...(status.left > 0 && status.limit !== undefined ? [status.limit] : []),
    ...(status.untried !== undefined && limit !== undefined ? [trialLimit(limit)] : []),
  ];
  return reached.length > 0 ? reached.join('; ') : undefined;
}

function answer(event: ReportEvent, context: RunContext, summary: Summary): ReportAnswer {
  context.emit({ event: 'run.reported', run: event.run, summary });
  return { run: event.run, next: 'done', summary };
}
