import { batchInput } from '../lib/contract/batch-input.ts';
import { requireSupportedOptions } from '../lib/contract/not-supported.ts';
import { parseContract } from '../lib/contract/parse.ts';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { livingOwner } from '../lib/plan/claim.ts';
import { requireRunInput, settleInput } from '../lib/plan/run-input.ts';
import { parseS3Uri } from '../lib/store/s3-uri.ts';
import { ownerAlive, startExecution } from './executions.ts';
import { type ListSource, prepareList } from './prepare-list.ts';
import { machineOf, type Session } from './session.ts';
import type { SubmitFlags } from './submit-flags.ts';

/**
 * Hands a list over to the deployment. The list and everything asked for are written into the state of the run, sealed,
 * and the execution is started with the run's name alone: its input, which many may read for 90 days, holds no header
 * and no URL.
 */
export interface Submitted {
  readonly run: string;
  /** ARN. */
  readonly execution: string;
  readonly to: string;
}

export type Submission = Omit<ListSource, 'state' | 'upload'> & { readonly now: () => number };

/** Throws RunInUse, RunNotFound, RunInputDiffers, and what lists, stores and AWS throw. */
export async function submitRun(flags: SubmitFlags, session: Session, source: Submission): Promise<Submitted> {
  const { run } = source;
  const { aws, state } = session;
  // The state machine would say so, too, but only after a while.
  const owner = await livingOwner({ state, isAlive: ownerAlive(aws, source.now) }, run);
  if (owner) throw new SkyhaulError('RunInUse', `run ${run} is being worked on by ${owner.execution}`);
  const settle = flags.list.kind === 'none' ? settleAgain : settleNew;
  const to = await settle(flags, session, source);
  return { run, to, execution: await startExecution(aws, machineOf(session), run, { run, to }) };
}

/** Returns where the data goes. */
async function settleNew(flags: SubmitFlags, session: Session, source: Submission): Promise<string> {
  const { state, deployment } = session;
  const { run, now } = source;
  const to = flags.to ?? `s3://${deployment.bucket}/data`;
  parseS3Uri(to);
  const manifest = await prepareList(flags, { ...source, state, upload: true });
  const input = parseContract(batchInput, { run, manifest, to, options: flags.options }, 'command line');
  requireSupportedOptions(input.options);
  // As if its list were read: an execution that nobody asked here may be at it.
  await settleInput(state, run, input, now(), true, { given: flags.options });
  return to;
}

/** A continued run keeps what it was started with. */
async function settleAgain({ to }: SubmitFlags, { state }: Session, { run }: Submission): Promise<string> {
  const stored = await requireRunInput(state, run);
  if (to === undefined || to === stored.input.to) return stored.input.to;
  throw new SkyhaulError('RunInputDiffers', `run ${run} goes to ${stored.input.to}`);
}
