import { isAbsolute, relative } from 'node:path';
import type { Summary } from '../lib/contract/summary.ts';
import { catalogue } from '../lib/errors/catalogue.ts';
import type { Cause } from '../lib/report/causes.ts';
import { plainText } from './terminal-text.ts';
import { formatBytes, formatClock, formatCount } from './units.ts';

/** What is said at the end of a run: counts, why lines failed, where everything is, and what can be done next. */
export interface SummaryView {
  readonly summary: Summary;
  /** As the user wrote it. */
  readonly to: string;
  /** The most frequent first. */
  readonly causes: readonly Cause[];
  /** Lines that can be run again; bad ones of the list cannot. */
  readonly again: number;
  readonly retry: Retry;
  readonly cwd: string;
}

/** Commands that run the failed lines again. */
export interface Retry {
  readonly command: string;
  /** The same for addresses that were refused, with a place for their network; none where a call cannot name one. */
  readonly withNetwork?: string;
}

/** Kinds of failure that are named on a terminal. */
const MOST_CAUSES = 8;

export function summaryLines({ summary, to, causes, again, retry, cwd }: SummaryView): string[] {
  const { counts, notTried = 0 } = summary;
  const failed = counts.failed - notTried;
  const rate = summary.seconds > 0 ? `, ${formatBytes(summary.bytes / summary.seconds)}/s` : '';
  const moved = summary.bytes > 0 ? ` ${formatBytes(summary.bytes)}${rate}` : '';
  const place = (uri: string) => shownPath(uri, cwd);
  const isEmpty = counts.stored + counts.skipped + counts.failed === 0;
  return [
    '',
    `Run ${summary.run} took ${formatClock(summary.seconds)}.`,
    '',
    ...(isEmpty ? ['The list is empty: there was nothing to fetch.', ''] : []),
    countLine('stored', counts.stored, moved),
    countLine('skipped', counts.skipped),
    countLine('failed', failed),
    ...(notTried > 0 ? [countLine('not tried', notTried)] : []),
    '',
    ...(summary.limit === undefined ? [] : [`The run ended at a limit: ${plainText(summary.limit)}.`, '']),
    ...failureLines(causes, failed, place(summary.report)),
    `  files    ${to}`,
    `  report   ${place(summary.report)}`,
    `  page     ${place(summary.html)}`,
    ...(again > 0 ? [`  failed   ${place(summary.failed)}`] : []),
    ...nextLines({ failed, notTried, again, causes, retry }),
  ];
}

function countLine(name: string, count: number, more = ''): string {
  return `  ${name.padEnd(9)} ${formatCount(count).padStart(10)}${more === '' ? '' : `  ${more}`}`;
}

function failureLines(causes: readonly Cause[], failed: number, report: string): string[] {
  if (failed === 0) return [];
  const shown = causes.slice(0, MOST_CAUSES);
  const hidden = failed - shown.reduce((sum, { count }) => sum + count, 0);
  const others = shown.length > 0 ? `and ${formatCount(hidden)} more` : `${formatCount(hidden)} lines failed`;
  return [...shown.flatMap(causeLines), ...(hidden > 0 ? [`  ${others}: see ${report}`] : []), ''];
}

/** How many, what to do, and the first of them. What is said of all of them is said once. */
function causeLines({ error = 'Unexpected', status, count, samples }: Cause): string[] {
  const hidden = count - samples.length;
  const name = status === undefined ? error : `${error} (${status})`;
  let said: string | undefined;
  const lines = samples.flatMap(({ line, url, message = '' }) => {
    // Most messages begin with the URL.
    const isWhole = url !== '' && [' ', ':'].some((behind) => message.startsWith(url + behind));
    if (isWhole) return [`    line ${line}  ${plainText(message)}`];
    const isNew = message !== said && message !== '';
    said = message;
    return [
      `    line ${line}${url === '' ? '' : `  ${plainText(url)}`}`,
      ...(isNew ? [`      ${plainText(message)}`] : []),
    ];
  });
  return [
    `  ${formatCount(count)} x ${name}`,
    `    ${catalogue[error].cure}`,
    ...lines,
    ...(hidden > 0 ? [`    and ${formatCount(hidden)} more`] : []),
  ];
}

interface Next extends Pick<SummaryView, 'causes' | 'again' | 'retry'> {
  readonly failed: number;
  readonly notTried: number;
}

function nextLines({ failed, notTried, again, causes, retry }: Next): string[] {
  if (failed + notTried === 0) return [];
  if (again === 0) return ['', 'None of these lines can be run again as it is: correct the list.'];
  const refused = causes.filter(({ error }) => error === 'AddressRefused').reduce((sum, { count }) => sum + count, 0);
  const { command, withNetwork } = retry;
  const named =
    refused > 0 && withNetwork !== undefined ? ['If you mean the networks that were refused:', withNetwork] : [];
  // All that would come of the plain command is the same refusal.
  const plain = named.length > 0 && refused === again ? [] : [titleOf(failed, notTried), command];
  return [...plain, ...named].flatMap((line, index) => (index % 2 === 0 ? ['', line] : [`  ${line}`]));
}

function titleOf(failed: number, notTried: number): string {
  if (failed === 0) return 'Go on with the lines that were not tried:';
  return notTried > 0 ? 'Run the failed lines again, and those that were not tried:' : 'Run the failed lines again:';
}

/** Paths below the working directory are shown from there, as one would type them. */
function shownPath(uri: string, cwd: string): string {
  if (!isAbsolute(uri)) return uri;
  const path = relative(cwd, uri);
  return path === '' || path.startsWith('..') ? uri : path;
}
