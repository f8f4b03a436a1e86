import type { OutcomeRow } from '../contract/ledger-row.ts';
import type { Left } from './status.ts';

/** The outcome of a line that Plan gives up, without a worker that could say so. */
export function failedRow(
  { index, line }: Pick<Left, 'index' | 'line'>,
  { status, ...why }: Pick<OutcomeRow, 'error' | 'message' | 'status' | 'attempts'>,
): OutcomeRow {
  return {
    row: 'outcome',
    index,
    line,
    // Filled in from the list when the report is written.
    url: '',
    outcome: 'failed',
    ...why,
    ...(status !== undefined && { status }),
  };
}
