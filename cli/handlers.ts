import { totalmem } from 'node:os';
import { GiB, MiB } from '../lib/contract/limits.ts';
import { planRun } from '../lib/plan/plan-run.ts';
import { reportRun } from '../lib/report/report-run.ts';
import type { RunContext } from '../lib/run-context.ts';
import { Tally } from '../lib/transfer/tally.ts';
import { transferShard } from '../lib/transfer/transfer-shard.ts';
import type { Handlers } from './run-machine.ts';

/** What all invocations of a run share; attempt and memory are each invocation's own. */
export type SharedContext = Omit<RunContext, 'attempt' | 'memoryBytes' | 'tally'>;

/** For the buffers of all transfers together, whatever their number. */
export const MEMORY_BYTES = Math.min(GiB, Math.floor(totalmem() / 4));
/** Below this an invocation could not hold the parts of even a few items. */
const LEAST_BYTES = 32 * MiB;

/** The handlers of the state machine, in this process. `name` begins the names of their attempts. */
export function inProcessHandlers(shared: SharedContext, name: string): Handlers {
  const tally = new Tally();
  let invocations = 0;
  let atOnce = shared.concurrency.default;
  const contextOf = (memoryBytes: number): RunContext => {
    invocations += 1;
    return { ...shared, attempt: `${name}-${invocations}`, memoryBytes, tally };
  };
  return {
    plan: async (event) => {
      const answer = await planRun(event, contextOf(MEMORY_BYTES));
      atOnce = answer.maxConcurrency;
      return answer;
    },
    transfer: (event) =>
      transferShard(event, contextOf(Math.max(LEAST_BYTES, Math.floor(MEMORY_BYTES / Math.max(1, atOnce))))),
    report: (event) => reportRun(event, contextOf(MEMORY_BYTES)),
  };
}
