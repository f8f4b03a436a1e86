import type { Summary } from '../lib/contract/summary.ts';
import type { RunEvent } from '../lib/run-context.ts';

/** Where a run stands at the beginning of a round, for those who began to watch when it was under way. */
interface RunPosition {
  readonly event: 'run.position';
  readonly run: string;
  readonly round: number;
  readonly counts: Summary['counts'];
  readonly left: number;
  /** Stored so far. */
  readonly bytes: number;
}

/** What progress is shown of, and the lines of `--json`. */
export type ShownEvent = RunEvent | RunPosition;
