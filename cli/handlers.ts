import { availableParallelism, totalmem } from 'node:os';
import { GiB, MiB } from '../lib/contract/limits.ts';
import type { PlanAnswer } from '../lib/contract/machine.ts';
import { planRun } from '../lib/plan/plan-run.ts';
import { requireRunInput } from '../lib/plan/run-input.ts';
import { reportRun } from '../lib/report/report-run.ts';
import type { RunContext } from '../lib/run-context.ts';
import { Tally } from '../lib/transfer/tally.ts';
import { transferShard } from '../lib/transfer/transfer-shard.ts';
import type { Handlers } from './run-machine.ts';
import type { SharedContext } from './shared-context.ts';
import { threadCount } from './thread-count.ts';
import type { TransferThreads } from './transfer-threads.ts';

/** For the buffers of all transfers together, whatever their number. */
export const MEMORY_BYTES = Math.min(GiB, Math.floor(totalmem() / 4));
/** Below this an invocation could not hold the parts of even a few items. */
const LEAST_BYTES = 32 * MiB;

interface HandlersOptions {
  readonly shared: SharedContext;
  /** Begins the names of their attempts. */
  readonly name: string;
  readonly threads: TransferThreads;
  /** None: as `threadCount` says. */
  readonly askedThreads: number | undefined;
}

/** The handlers of the state machine, in this process. */
export function inProcessHandlers({ shared, name, threads, askedThreads }: HandlersOptions): Handlers {
  const tally = new Tally();
  let invocations = 0;
  let atOnce = shared.concurrency.default;
  let threadsAtOnce = 1;
  const invocation = (memoryBytes: number) => {
    invocations += 1;
    return { attempt: `${name}-${invocations}`, memoryBytes };
  };
  const contextOf = (memoryBytes: number): RunContext => ({ ...shared, ...invocation(memoryBytes), tally });
  const threadsOf = async ({ run, shards }: PlanAnswer): Promise<number> => {
    const facts = {
      asked: askedThreads,
      cores: availableParallelism(),
      items: shards.reduce((sum, { items }) => sum + items, 0),
      shards: shards.length,
      hasModule: shared.userModule !== undefined,
    };
    // Most rounds are too small, whatever the options of the run are: then they are not read again.
    if (threadCount({ ...facts, options: {} }) === 1) return 1;
    const { options } = (await requireRunInput(shared.state, run)).input;
    return threadCount({ ...facts, options });
  };
  return {
    plan: async (event) => {
      threads.requireAlive();
      const answer = await planRun(event, contextOf(MEMORY_BYTES));
      atOnce = answer.maxConcurrency;
      if (answer.next === 'fan-out') threadsAtOnce = await threadsOf(answer);
      return answer;
    },
    transfer: (event) => {
      const memoryBytes = Math.max(LEAST_BYTES, Math.floor(MEMORY_BYTES / Math.max(1, atOnce)));
      if (threadsAtOnce > 1) return threads.transfer(event, invocation(memoryBytes), threadsAtOnce);
      return transferShard(event, contextOf(memoryBytes));
    },
    report: (event) => reportRun(event, contextOf(MEMORY_BYTES)),
  };
}
