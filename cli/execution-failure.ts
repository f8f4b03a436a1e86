import { catalogue, isErrorName } from '../lib/errors/catalogue.ts';
import type { Execution } from './executions.ts';
import { plainText } from './terminal-text.ts';

/** What is said of an execution that ended without a report: what happened, and what to do. */
export function executionFailureLines(execution: Execution | undefined): string[] {
  if (!execution) return ['skyhaul: the run ended without a report, and Step Functions knows no execution of it.'];
  switch (execution.status) {
    case 'ABORTED':
      return ['skyhaul: the execution was stopped.'];
    case 'TIMED_OUT':
      return ['skyhaul: the execution took longer than its state machine allows.'];
    default: {
      const { error = 'States.Unknown', cause = '' } = execution;
      const cure = isErrorName(error) ? [`  ${catalogue[error].cure}`] : [];
      return [`skyhaul: ${plainText(error)}: ${plainText(messageOf(cause))}`, ...cure];
    }
  }
}

/** Going on would fail in the same way. */
export function isInputsFault(execution: Execution | undefined): boolean {
  const { error = '' } = execution ?? {};
  return isErrorName(error) && catalogue[error].scope === 'input' && error !== 'RunInUse';
}

/** Lambda's runtime reports JSON with the message in it; Step Functions itself reports a sentence. */
function messageOf(cause: string): string {
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) return String(parsed.errorMessage);
  } catch {
    // A sentence.
  }
  return cause === '' ? 'nothing is known of the cause' : cause;
}
