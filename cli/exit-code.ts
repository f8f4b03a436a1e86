import type { Summary } from '../lib/contract/summary.ts';
import type { SkyhaulError } from '../lib/errors/skyhaul-error.ts';

/** What the process says to whoever started it. Scripts hold on to these numbers: they never change. */
export const exitCode = {
  /** Every line is stored or skipped. */
  done: 0,
  unexpected: 1,
  /** Usage, or input that has to be corrected. */
  usage: 2,
  /** The run finished, some items failed. */
  itemsFailed: 3,
  /** The run did not finish, for a reason that is not the input. */
  runFailed: 4,
  /** The time to wait was up; the run goes on. */
  waitTimedOut: 5,
  /** 128 + SIGINT: stopped by the user, and the run id continues. */
  interrupted: 130,
} as const;

export function exitCodeOf(summary: Summary): number {
  return summary.counts.failed > 0 ? exitCode.itemsFailed : exitCode.done;
}

export function exitCodeOfError(error: SkyhaulError): number {
  if (error.name === 'Unexpected') return exitCode.unexpected;
  if (error.name === 'Interrupted') return exitCode.interrupted;
  return error.entry.scope === 'input' ? exitCode.usage : exitCode.runFailed;
}
