/** One invocation of Transfer with nothing else in its process: `WorkerJob` as JSON in, `WorkerResult` as JSON out. */
import { readFileSync } from 'node:fs';
import type { TransferAnswer, TransferEvent } from '../../lib/contract/machine.ts';
import type { RunEvent } from '../../lib/run-context.ts';
import { transferShard } from '../../lib/transfer/transfer-shard.ts';
import { memoryContext, type Surroundings } from './memory-context.ts';

export interface WorkerJob extends Surroundings {
  readonly event: TransferEvent;
  readonly attempt: string;
}

export interface WorkerResult {
  readonly answer: TransferAnswer;
  /** As it was stated when the attempt began. */
  readonly budget: Extract<RunEvent, { event: 'attempt.started' }>;
  readonly failures: readonly string[];
  /** Of the process, when everything was loaded and nothing was done yet. */
  readonly baseBytes: number;
  /** VmHWM: the most that it ever held. */
  readonly peakBytes: number;
  readonly cpuSeconds: number;
}

const job: WorkerJob = JSON.parse(process.argv[2] ?? '{}');
const events: RunEvent[] = [];
const context = memoryContext(job, job.attempt, (event) => {
  if (event.event !== 'item.progress') events.push(event);
});
const baseBytes = memoryOf('VmRSS');
const answer = await transferShard(job.event, context);
const budget = events.find(({ event }) => event === 'attempt.started');
const failures = events.flatMap((event) => {
  if (event.event === 'item.retrying') return [`retrying after ${event.error}`];
  return event.event === 'item.ended' && event.outcome.outcome === 'failed' ? [String(event.outcome.message)] : [];
});
const { user, system } = process.cpuUsage();
const cpuSeconds = (user + system) / 1e6;
console.log(JSON.stringify({ answer, budget, failures, baseBytes, peakBytes: memoryOf('VmHWM'), cpuSeconds }));
await context.state.close();

function memoryOf(name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1_024;
}
