import type { ReportAnswer, ReportEvent } from '../contract/machine.ts';
import type { Summary } from '../contract/summary.ts';
import { summary as summarySchema } from '../contract/summary.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { encodeLine, getJson, putJson, putLines, putText } from '../ledger/json-lines.ts';
import { runKeys } from '../ledger/run-keys.ts';
import { readRunInput } from '../plan/run-input.ts';
import { newestStatus } from '../plan/status.ts';
import type { RunContext } from '../run-context.ts';
import { costOf } from './cost.ts';
import { type FailedSample, reportHtml } from './report-html.ts';
import { failedLine, type ReportLine, reportLines } from './report-lines.ts';

const ANY = { condition: { kind: 'any' } } as const;
const UNFINISHED = 'the run ended at one of its limits before this line was done';
/** Failed lines that the HTML report shows. */
const MAX_SAMPLES = 200;

/**
 * Writes `report.jsonl`, `failed.jsonl`, `report.html` and, last, `summary.json`. A run that has its summary is not
 * reported again: the stored one is the answer.
 */
export async function reportRun(event: ReportEvent, context: RunContext): Promise<ReportAnswer> {
  const { run } = event;
  const { state } = context;
  const keys = runKeys(run);
  const existing = await getJson(state, keys.summary);
  if (existing !== undefined) return answer(event, context, summarySchema.parse(existing));
  const [asked, status] = await Promise.all([readRunInput(state, run), newestStatus(state, run)]);
  if (!asked || !status) throw new SkyhaulError('RunNotFound', `there is no run ${run} at ${state.uri}`);

  const counts = { stored: 0, skipped: 0, failed: 0 };
  let bytes = 0;
  const samples: FailedSample[] = [];
  const lines = reportLines(state, run, status, UNFINISHED);
  const seen = (line: ReportLine) => {
    const { outcome } = line;
    counts[outcome.outcome] += 1;
    if (outcome.outcome === 'stored') bytes += outcome.bytes ?? 0;
    if (outcome.outcome === 'failed' && samples.length < MAX_SAMPLES) samples.push(outcome);
  };
  await putLines(state, keys.report, encoded(lines, seen), ANY);
  const again = counts.failed > 0 ? failed(reportLines(state, run, status, UNFINISHED)) : [];
  await putLines(state, keys.failed, again, { ...ANY, sealed: true });

  const result: Summary = {
    run,
    counts,
    bytes,
    seconds: Math.max(0, Math.round((context.now() - asked.startedAt) / 100) / 10),
    cost: costOf(status.spent, asked.input.to.startsWith('s3://')),
    report: state.uriOf(keys.report),
    failed: state.uriOf(keys.failed),
    html: state.uriOf(keys.html),
  };
  await putText(state, keys.html, reportHtml(result, samples), { ...ANY, contentType: 'text/html; charset=utf-8' });
  await putJson(state, keys.summary, result, ANY);
  return answer(event, context, result);
}

function answer(event: ReportEvent, context: RunContext, summary: Summary): ReportAnswer {
  context.emit({ event: 'run.reported', run: event.run, summary });
  return { ...event, next: 'done', summary };
}

async function* encoded(lines: AsyncIterable<ReportLine>, seen: (line: ReportLine) => void): AsyncIterable<string> {
  for await (const line of lines) {
    seen(line);
    yield encodeLine(line.outcome);
  }
}

async function* failed(lines: AsyncIterable<ReportLine>): AsyncIterable<string> {
  for await (const line of lines) {
    const text = failedLine(line);
    if (text) yield encodeLine(text);
  }
}
