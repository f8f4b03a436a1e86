import type { Summary } from '../lib/contract/summary.ts';
import { readRunInput } from '../lib/plan/run-input.ts';
import { readCounted } from '../lib/report/report-run.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { summaryLines } from './summary-view.ts';

/** Failed lines that are named on a terminal. */
const MOST_FAILURES = 10;

/** What is said of a run that has its report. `retry` is the command that runs its failed lines again. */
export async function reportedLines(
  state: ObjectStore,
  summary: Summary,
  cwd: string,
  retry: string,
): Promise<string[]> {
  const [asked, counted] = await Promise.all([readRunInput(state, summary.run), readCounted(state, summary.run)]);
  const to = asked?.input.to ?? '';
  const failures = counted?.samples.slice(0, MOST_FAILURES) ?? [];
  return summaryLines({ summary, to, failures, retry, cwd });
}
