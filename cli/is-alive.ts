import type { Owner } from '../lib/run-context.ts';

/**
 * Whether the process that holds a run may still be at work. On its own machine a process that is gone is dead at once.
 * A process id is used again some day, so one that has not been heard of for long does not count; nor does our own id.
 */
export interface Machine {
  readonly host: string;
  readonly pid: number;
  readonly now: number;
  readonly hasProcess: (pid: number) => boolean;
}

/** A living holder writes every 15 s. Clocks of two machines differ; a laptop that slept needs a moment to beat again. */
const SILENT_ELSEWHERE_MS = 2 * 60_000;
const SILENT_HERE_MS = 10 * 60_000;

/** `beatAt` and `now` are epoch milliseconds. */
export function isAlive(owner: Owner, beatAt: number, machine: Machine): boolean {
  const silentMs = machine.now - beatAt;
  if (owner.host !== machine.host || owner.pid === undefined) return silentMs < SILENT_ELSEWHERE_MS;
  return owner.pid !== machine.pid && machine.hasProcess(owner.pid) && silentMs < SILENT_HERE_MS;
}

/** Signal 0 asks without disturbing; EPERM means that the process exists and belongs to somebody else. */
export function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
