import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { readClaim } from '../lib/plan/claim.ts';
import { isExecutionArn, isOwnerAlive } from '../lib/plan/owner-alive.ts';
import type { RunContext } from '../lib/run-context.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import type { AwsClients } from './aws-clients.ts';
import { codeOf, toAwsError } from './aws-errors.ts';
import { executionArn, numberOf } from './execution-names.ts';

/** The executions of a run, as Step Functions tells of them. Throws AwsDenied, AwsUnavailable, StackNotFound. */
export interface Execution {
  readonly arn: string;
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE';
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Of one that failed: the name of its error and what Step Functions kept of it. */
  readonly error: string | undefined;
  readonly cause: string | undefined;
}

export function isRunning({ status }: Execution): boolean {
  return status === 'RUNNING' || status === 'PENDING_REDRIVE';
}

/** Undefined where there is none: Step Functions forgets them after 90 days. */
export async function describeExecution(aws: AwsClients, arn: string): Promise<Execution | undefined> {
  const client = await aws.stepFunctions();
  try {
    return toExecution(arn, await client.send(new DescribeExecutionCommand({ executionArn: arn })));
  } catch (error) {
    if (codeOf(error) === 'ExecutionDoesNotExist') return undefined;
    throw toAwsError(error, 'states:DescribeExecution');
  }
}

/** Whether the holder of a claim is at work, as the functions find it out. */
export function ownerAlive(aws: AwsClients, now: () => number): RunContext['isAlive'] {
  const statusOf = async (arn: string) => (await describeExecution(aws, arn))?.status;
  return async (owner, beatAt) => isOwnerAlive(owner, beatAt, { now: now(), statusOf });
}

function toExecution(arn: string, found: DescribeExecutionCommandOutput): Execution {
  const { status = 'RUNNING', startDate, error, cause } = found;
  return { arn, status, startedAt: startDate?.getTime() ?? 0, error, cause };
}

/** A run that was continued this often was continued by a script that has gone wrong. */
const MOST_EXECUTIONS = 1_000;

/**
 * Starts `<run>-<n>` with the first n that is free: a used name is taken for 90 days. Where an execution with this very
 * input is under way, Step Functions answers with that one. Returns its ARN.
 */
export async function startExecution(aws: AwsClients, machine: string, run: string, input: object): Promise<string> {
  const client = await aws.stepFunctions();
  for (let n = 1; ; n += 1) {
    try {
      const name = `${run}-${n}`;
      const command = new StartExecutionCommand({ stateMachineArn: machine, name, input: JSON.stringify(input) });
      return (await client.send(command)).executionArn ?? executionArn(machine, name);
    } catch (error) {
      if (codeOf(error) === 'ExecutionAlreadyExists' && n < MOST_EXECUTIONS) continue;
      throw toAwsError(error, 'states:StartExecution');
    }
  }
}

/** One that has ended already is left alone. */
export async function stopExecution(aws: AwsClients, arn: string): Promise<void> {
  const client = await aws.stepFunctions();
  const command = new StopExecutionCommand({ executionArn: arn, error: 'Interrupted', cause: 'skyhaul stop' });
  try {
    await client.send(command);
  } catch (error) {
    if (codeOf(error) !== 'ExecutionDoesNotExist') throw toAwsError(error, 'states:StopExecution');
  }
}

/**
 * Executions of a run, the last started first: the one that holds the claim, whatever its name, and those that `submit`
 * named. Whoever started the state machine by other means gave it a name of their own.
 */
export async function executionsOf(
  aws: AwsClients,
  state: ObjectStore,
  machine: string,
  run: string,
): Promise<readonly Execution[]> {
  const owner = (await readClaim(state, run))?.claim.execution;
  const found: Execution[] = [];
  const claimed = owner !== undefined && isExecutionArn(owner) ? await describeExecution(aws, owner) : undefined;
  if (claimed) found.push(claimed);
  // Earlier ones ended before the claim came to this one.
  for (let n = (numberOf(run, owner) ?? 0) + 1; ; n += 1) {
    const next = await describeExecution(aws, executionArn(machine, `${run}-${n}`));
    if (!next) break;
    found.push(next);
  }
  return found.sort((a, b) => b.startedAt - a.startedAt);
}
