import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import type { AwsClients } from './aws-clients.ts';
import { codeOf, toAwsError } from './aws-errors.ts';
import type { StackFlags } from './stack-flags.ts';

/** The parts of a deployment that the command line works with. */
export interface Deployment {
  /** ARN; undefined where a bucket alone was named. */
  readonly stateMachine: string | undefined;
  readonly bucket: string;
  /** Name of the function; undefined where the parts were named without it. */
  readonly janitor: string | undefined;
}

/** Looks at the outputs of the stack, or takes what the flags say. Throws StackNotFound, AwsDenied, AwsUnavailable. */
export async function findStack(flags: StackFlags, aws: AwsClients): Promise<Deployment> {
  const { stack, bucket, stateMachine, janitor } = flags;
  if (stack !== undefined) return readOutputs(stack, await outputsOf(stack, aws));
  if (bucket === undefined) throw new SkyhaulError('Unexpected', 'neither a stack nor a bucket is named');
  return { bucket, stateMachine, janitor };
}

async function outputsOf(stack: string, aws: AwsClients): Promise<ReadonlyMap<string, string>> {
  const client = await aws.cloudFormation();
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stack }));
    return new Map(
      Stacks.flatMap(({ Outputs = [] }) => Outputs).map(({ OutputKey = '', OutputValue = '' }) => [
        OutputKey,
        OutputValue,
      ]),
    );
  } catch (error) {
    // CloudFormation's code for a stack that does not exist.
    if (codeOf(error) !== 'ValidationError') throw toAwsError(error, 'cloudformation:DescribeStacks');
    const region = await client.config.region();
    throw new SkyhaulError('StackNotFound', `there is no stack ${stack} in ${region}`, { cause: error });
  }
}

/** Pure. A stack that is being made has no outputs yet. */
export function readOutputs(stack: string, outputs: ReadonlyMap<string, string>): Deployment {
  const stateMachine = outputs.get('SkyhaulStateMachineArn');
  const bucket = outputs.get('SkyhaulBucketName');
  if (stateMachine === undefined || bucket === undefined) {
    const wanted = 'SkyhaulStateMachineArn and SkyhaulBucketName';
    throw new SkyhaulError('StackNotFound', `the stack ${stack} has no outputs ${wanted}`);
  }
  return { stateMachine, bucket, janitor: outputs.get('SkyhaulJanitorName') };
}
