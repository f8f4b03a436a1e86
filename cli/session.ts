import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { AwsClients } from './aws-clients.ts';
import { type Deployment, findStack } from './find-stack.ts';
import { DEFAULT_STACK, type StackFlags } from './stack-flags.ts';
import { destinationOf, openStores, stateOf } from './stores.ts';

/** A deployment, and what is open to work with it. */
export interface Session {
  readonly aws: AwsClients;
  readonly deployment: Deployment;
  /** Of all runs of the deployment. */
  readonly state: ObjectStore;
}

/** Where runs have their state: a destination of `skyhaul run`, as it was written, else a deployment. */
export interface StatePlace {
  readonly to: string | undefined;
  readonly deployment: StackFlags;
}

/** Nothing is left open when it returns. */
export async function inSession<T>(flags: StackFlags, work: (session: Session) => Promise<T>): Promise<T> {
  return withClients(flags, async (aws, open) => work(await sessionOf(flags, aws, open)));
}

/** The same for commands that are about runs of this machine, too, where `--to` was forgotten. */
export async function inSessionOrTo<T>(flags: StackFlags, work: (session: Session) => Promise<T>): Promise<T> {
  return withClients(flags, async (aws, open) => {
    const session = await sessionOf(flags, aws, open).catch((error: unknown) => {
      throw flags.stack === DEFAULT_STACK ? askingForTo(error) : error;
    });
    return work(session);
  });
}

async function sessionOf(flags: StackFlags, aws: AwsClients, open: Open): Promise<Session> {
  const deployment = await findStack(flags, aws);
  return { aws, deployment, state: open(`s3://${deployment.bucket}`) };
}

function askingForTo(thrown: unknown): SkyhaulError {
  const { name, message, details, cause } = toSkyhaulError(thrown);
  const hint = 'a run of `skyhaul run` is found with its --to: give the directory, or s3://bucket/prefix';
  return new SkyhaulError(name, message, { ...details, problems: [...(details.problems ?? []), hint], cause });
}

/** The same for what needs nothing but the state. */
export async function inState<T>(
  { to, deployment }: StatePlace,
  cwd: string,
  work: (session: Pick<Session, 'aws' | 'state'>) => Promise<T>,
): Promise<T> {
  if (to === undefined) return inSessionOrTo(deployment, work);
  return withClients(deployment, (aws, open) => work({ aws, state: open(stateOf(destinationOf(to, cwd))) }));
}

type Open = (uri: string) => ObjectStore;
type Work<T> = (aws: AwsClients, open: Open) => Promise<T>;

async function withClients<T>(flags: StackFlags, work: Work<T>): Promise<T> {
  const aws = new AwsClients(flags);
  const stores = openStores(flags);
  try {
    return await work(aws, (uri) => stores.open(uri));
  } finally {
    aws.close();
    await stores.close();
  }
}

/** Flags are checked before, so that this is never met. */
export function machineOf({ deployment }: Session): string {
  if (deployment.stateMachine === undefined) throw new Error('no state machine is named');
  return deployment.stateMachine;
}
