import type { FlagReader } from './flag-reader.ts';

/** Which deployment a command is about: a stack by its name, or its parts by theirs. */
export interface RawStackFlags {
  readonly stack?: string;
  readonly stateMachine?: string;
  readonly bucket?: string;
  readonly janitor?: string;
  readonly endpoint?: string;
  readonly region?: string;
}

export interface StackFlags {
  /** Undefined: the parts are named. */
  readonly stack: string | undefined;
  readonly stateMachine: string | undefined;
  readonly bucket: string | undefined;
  /** Name of the function. */
  readonly janitor: string | undefined;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
}

export const DEFAULT_STACK = 'Skyhaul';

/** CloudFormation: letters, digits and hyphens; an ARN is a name, too. */
const STACK = /^([A-Za-z][A-Za-z0-9-]{0,127}|arn:[\w:/.-]+)$/;
const STATE_MACHINE = /^arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:stateMachine:[\w.-]+$/;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** `needsMachine`: for this command a bucket alone is not enough. */
export function readStackFlags(raw: RawStackFlags, reader: FlagReader, needsMachine: boolean): StackFlags {
  const { problems } = reader;
  const { stateMachine, bucket, janitor, endpoint, region } = raw;
  const isNamed = stateMachine !== undefined || bucket !== undefined || janitor !== undefined;
  if (isNamed && raw.stack !== undefined)
    problems.push('--stack: leave it out where --state-machine and --bucket are given');
  if (isNamed && bucket === undefined) problems.push('--bucket: it belongs to --state-machine');
  if (isNamed && stateMachine === undefined && needsMachine) problems.push('--state-machine: it belongs to --bucket');
  if (raw.stack !== undefined && !STACK.test(raw.stack))
    problems.push('--stack: must be the name of a CloudFormation stack');
  if (stateMachine !== undefined && !STATE_MACHINE.test(stateMachine)) {
    problems.push('--state-machine: must be the ARN of a state machine, arn:aws:states:…:stateMachine:…');
  }
  if (bucket !== undefined && !BUCKET.test(bucket))
    problems.push('--bucket: must be the name of a bucket, without s3://');
  reader.endpoint(endpoint);
  return { stack: isNamed ? undefined : (raw.stack ?? DEFAULT_STACK), stateMachine, bucket, janitor, endpoint, region };
}
