import type { RunContext } from '../lib/run-context.ts';
import type { AwsClients } from './aws-clients.ts';
import { ownerAlive } from './executions.ts';
import { hasProcess, isAlive } from './is-alive.ts';
import type { Surroundings } from './run-command.ts';

/** Whether the holder of a run is at work, be it a process or an execution. */
export function placeAlive({ host, pid, now }: Surroundings, aws: AwsClients): RunContext['isAlive'] {
  const ofDeployment = ownerAlive(aws, now);
  return async (owner, beatAt) =>
    owner.pid === undefined
      ? ofDeployment(owner, beatAt)
      : isAlive(owner, beatAt, { host, pid, now: now(), hasProcess });
}
