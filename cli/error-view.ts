import type { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { plainText } from './terminal-text.ts';
import { formatCount } from './units.ts';

/** An error as people read it: what happened, every problem, what to do. A stack only where it is our bug. */
const MOST_PROBLEMS = 50;

/** `most`: problems that are named. */
export function errorLines(error: SkyhaulError, most = MOST_PROBLEMS): string[] {
  const problems = error.details.problems ?? [];
  const hidden = problems.length - most;
  return [
    `skyhaul: ${error.name}: ${plainText(error.message)}`,
    ...problems.slice(0, most).map((problem) => `  - ${plainText(problem)}`),
    ...(hidden > 0 ? [`  and ${formatCount(hidden)} more`] : []),
    `  ${error.entry.cure}`,
    ...(error.name === 'Unexpected' ? stackLines(error.cause ?? error) : []),
  ];
}

function stackLines(cause: unknown): string[] {
  const stack = cause instanceof Error ? (cause.stack ?? '') : '';
  return stack.split('\n').slice(1).map(plainText);
}
