import type { Summary } from '../lib/contract/summary.ts';
import { readRunInput } from '../lib/plan/run-input.ts';
import { Causes } from '../lib/report/causes.ts';
import { type Counted, readCounted } from '../lib/report/report-run.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { type Retry, summaryLines } from './summary-view.ts';

export interface ReportedRun {
  readonly summary: Summary;
  readonly cwd: string;
  /** Given the networks that the run was allowed, what runs its failed lines again. */
  readonly retry: (allowNetworks: readonly string[]) => Retry;
  /** As the user wrote it. @default as the run knows it */
  readonly to?: string;
}

/** What is said of a run that has its report. */
export async function reportedLines(state: ObjectStore, { summary, cwd, retry, to }: ReportedRun): Promise<string[]> {
  const [asked, counted] = await Promise.all([readRunInput(state, summary.run), readCounted(state, summary.run)]);
  return summaryLines({
    summary,
    to: to ?? asked?.input.to ?? '',
    causes: counted?.causes ?? causesOf(counted),
    again: counted?.again ?? summary.counts.failed,
    retry: retry(asked?.allowNetworks ?? []),
    cwd,
  });
}

/** A run of an older version counted none; of its first failed lines there are some. */
function causesOf(counted: Counted | undefined) {
  const causes = new Causes();
  for (const sample of counted?.samples ?? []) causes.add({ ...sample, status: undefined });
  return causes.list();
}
