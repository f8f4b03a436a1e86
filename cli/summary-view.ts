import { isAbsolute, relative } from 'node:path';
import type { Outcome } from '../lib/contract/outcome.ts';
import type { Summary } from '../lib/contract/summary.ts';
import { catalogue } from '../lib/errors/catalogue.ts';
import { plainText } from './terminal-text.ts';
import { formatBytes, formatClock, formatCount } from './units.ts';

type Failure = Pick<Outcome, 'line' | 'url' | 'error' | 'message'>;

/** What is said at the end of a run. */
export interface SummaryView {
  readonly summary: Summary;
  /** As the user wrote it. */
  readonly to: string;
  /** The first failed lines that are known. */
  readonly failures: readonly Failure[];
  /** Command that runs the failed list again. */
  readonly retry: string;
  readonly cwd: string;
}

export function summaryLines({ summary, to, failures, retry, cwd }: SummaryView): string[] {
  const { counts } = summary;
  const rate = summary.seconds > 0 ? `, ${formatBytes(summary.bytes / summary.seconds)}/s` : '';
  const moved = summary.bytes > 0 ? ` ${formatBytes(summary.bytes)}${rate}` : '';
  const place = (uri: string) => shownPath(uri, cwd);
  return [
    '',
    `Run ${summary.run} took ${formatClock(summary.seconds)}.`,
    '',
    countLine('stored', counts.stored, moved),
    countLine('skipped', counts.skipped),
    countLine('failed', counts.failed),
    '',
    ...(summary.limit === undefined ? [] : [`The run ended at a limit: ${plainText(summary.limit)}.`, '']),
    ...failureLines(failures, counts.failed),
    `  files    ${to}`,
    `  report   ${place(summary.report)}`,
    `  page     ${place(summary.html)}`,
    ...(counts.failed === 0
      ? []
      : [`  failed   ${place(summary.failed)}`, '', 'Run the failed lines again:', `  ${retry}`]),
  ];
}

function countLine(name: string, count: number, more = ''): string {
  return `  ${name.padEnd(8)} ${formatCount(count).padStart(10)}${more === '' ? '' : `  ${more}`}`;
}

function failureLines(failures: readonly Failure[], failed: number): string[] {
  if (failed === 0) return [];
  const hidden = failed - failures.length;
  return [
    ...failures.flatMap((outcome) => [
      `  line ${outcome.line}  ${plainText(outcome.url)}`,
      `    ${outcome.error ?? 'failed'}: ${plainText(outcome.message ?? '')}`,
      ...(outcome.error ? [`    ${catalogue[outcome.error].cure}`] : []),
    ]),
    ...(hidden > 0 ? [`  and ${formatCount(hidden)} more: see the report`] : []),
    '',
  ];
}

/** Paths below the working directory are shown from there, as one would type them. */
function shownPath(uri: string, cwd: string): string {
  if (!isAbsolute(uri)) return uri;
  const path = relative(cwd, uri);
  return path === '' || path.startsWith('..') ? uri : path;
}
