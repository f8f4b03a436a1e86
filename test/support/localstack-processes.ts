import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Resolves when none of the processes is left, but for zombies, which whoever adopted them may never reap. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  while ((await running(pids)).length > 0) await sleep(50);
}

export async function running(pids: readonly number[]): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,stat=']);
  const living = stdout.split('\n').flatMap((line) => {
    const [pid, state = 'Z'] = line.trim().split(/\s+/);
    return state.startsWith('Z') ? [] : [Number(pid)];
  });
  return pids.filter((pid) => living.includes(pid));
}

/** The numbers in the line that a function printed behind `label`. */
export function pidsIn(log: string, label: string): readonly number[] {
  const line = log.split('\n').find((candidate) => candidate.includes(label)) ?? '';
  return (line.split(label)[1] ?? '').match(/\d+/g)?.map(Number) ?? [];
}
