import type { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { ItemJob } from './item-job.ts';

/** Whether a body that broke off is asked for again now: waits as long as the policy says, then answers. */
export function resumeWhenDue({ tries, pause }: Pick<ItemJob, 'tries' | 'pause'>, signal: AbortSignal) {
  return async (error: SkyhaulError): Promise<boolean> => {
    const decision = tries.decide(error);
    if (decision.action !== 'retry') return false;
    await pause(decision.afterMs);
    if (signal.aborted) return false;
    tries.resumed();
    return true;
  };
}
