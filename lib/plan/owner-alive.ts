import type { Owner } from '../run-context.ts';

/**
 * Whether the holder of a claim may still be at work. Of an execution Step Functions knows. Everybody else is judged by
 * the time since it was last heard of: a process of `skyhaul run` writes every 15 s, an invocation of the janitor once.
 */
export interface Asking {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Status of an execution, `undefined` when there is none (any more). */
  readonly statusOf: (executionArn: string) => Promise<string | undefined>;
}

const EXECUTION = /^arn:[^:]+:states:[^:]*:[^:]*:execution:/;
/** Several beats, and clocks that differ. */
const SILENT_PROCESS_MS = 2 * 60_000;
/** Lambda ends an invocation after 15 minutes. */
const SILENT_LAMBDA_MS = 16 * 60_000;

export function isExecutionArn(text: string): boolean {
  return EXECUTION.test(text);
}

/** `beatAt` in epoch milliseconds. */
export async function isOwnerAlive(owner: Owner, beatAt: number, { now, statusOf }: Asking): Promise<boolean> {
  if (isExecutionArn(owner.execution)) {
    const status = await statusOf(owner.execution);
    return status === 'RUNNING' || status === 'PENDING_REDRIVE';
  }
  return now - beatAt < (owner.pid === undefined ? SILENT_LAMBDA_MS : SILENT_PROCESS_MS);
}
