import { InvokeCommand } from '@aws-sdk/client-lambda';
import { type JanitorAnswer, janitorAnswer } from '../lib/contract/janitor.ts';
import { isErrorName } from '../lib/errors/catalogue.ts';
import { workerLost } from '../lib/errors/plumbing.ts';
import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { requestStop } from '../lib/ledger/stop-marker.ts';
import { readClaim } from '../lib/plan/claim.ts';
import { readRunInput } from '../lib/plan/run-input.ts';
import type { AwsClients } from './aws-clients.ts';
import { toAwsError } from './aws-errors.ts';
import { executionsOf, isRunning, stopExecution } from './executions.ts';
import { machineOf, type Session } from './session.ts';
import { formatTime } from './units.ts';
import { pause } from './watch-run.ts';

/**
 * Stops a run of the deployment: first the marker, which workers look for, then the execution. The janitor then does what
 * the execution cannot do any more; it is asked until no worker is left that could still be at work.
 */
export interface Stop {
  readonly run: string;
  readonly say: (line: string) => void;
  readonly now: () => number;
  /** Epoch milliseconds; then nobody waits any more, and the hourly janitor does the rest. */
  readonly until: number;
  readonly signal: AbortSignal;
}

/** `left`: there is no janitor to ask, the hourly one does it. */
export type Stopped = 'clean' | 'timeout' | 'left';

const ASK_AGAIN_MS = 2_000;
/** A worker sees the marker soon, so that it is worth asking long before it has to be gone. */
const BUSY_MS = 10_000;

/** Throws RunNotFound, RunInUse (a process of `skyhaul run` holds it), and what stores and AWS throw. */
export async function stopRun(session: Session, stop: Stop): Promise<Stopped> {
  const { aws, state, deployment } = session;
  await requireRun(session, stop.run);
  const running = (await executionsOf(aws, state, machineOf(session), stop.run)).filter(isRunning);
  if (running.length > 0) await requestStop(state, stop.run);
  for (const { arn } of running) await stopExecution(aws, arn);
  stop.say(
    running.length > 0 ? `Stopped the execution of run ${stop.run}.` : `No execution of run ${stop.run} is alive.`,
  );
  return deployment.janitor === undefined ? 'left' : cleanUp(aws, deployment.janitor, stop);
}

async function requireRun({ state }: Session, run: string): Promise<void> {
  const [asked, claimed] = await Promise.all([readRunInput(state, run), readClaim(state, run)]);
  if (!asked && !claimed) throw new SkyhaulError('RunNotFound', `there is no run ${run} at ${state.uri}`);
}

async function cleanUp(aws: AwsClients, janitor: string, stop: Stop): Promise<'clean' | 'timeout'> {
  let said = '';
  for (;;) {
    const { text, waitMs } = step(await askJanitor(aws, janitor, stop.run), stop.now());
    if (text === undefined) return 'clean';
    if (text !== said) stop.say(text);
    said = text;
    if (stop.now() + waitMs > stop.until) return 'timeout';
    await pause(waitMs, stop.signal);
  }
}

/** What is waited for, and for how long before the janitor is asked again. Nothing: it is done. */
function step(answer: JanitorAnswer | undefined, now: number): { text?: string; waitMs: number } {
  if (!answer) return { text: 'Waiting for the janitor.', waitMs: ASK_AGAIN_MS };
  if (!('state' in answer)) return { waitMs: 0 };
  const { state, until = now } = answer;
  switch (state) {
    case 'running':
      return { text: 'Waiting for the execution to end.', waitMs: ASK_AGAIN_MS };
    case 'busy':
      return {
        text: `Waiting for workers that may be at work until ${formatTime(until)}.`,
        waitMs: Math.min(BUSY_MS, Math.max(ASK_AGAIN_MS, until - now)),
      };
    case 'clean':
    case 'reported':
      return { waitMs: 0 };
  }
}

/** Undefined: it could not answer this time. */
async function askJanitor(aws: AwsClients, janitor: string, run: string): Promise<JanitorAnswer | undefined> {
  const client = await aws.lambda();
  const command = new InvokeCommand({ FunctionName: janitor, Payload: JSON.stringify({ run }) });
  try {
    const { FunctionError, Payload } = await client.send(command);
    const answer: unknown = JSON.parse(Payload?.transformToString() || 'null');
    if (FunctionError !== undefined) throw functionError(answer);
    return janitorAnswer.parse(answer);
  } catch (thrown) {
    const error = toAwsError(thrown, 'lambda:InvokeFunction');
    if (error.retryable || error.name === 'RunInUse') return undefined;
    throw toSkyhaulError(error);
  }
}

/** As Lambda reports what a function threw, or that it died. */
function functionError(answer: unknown): SkyhaulError {
  const { errorType = '', errorMessage = '' } = (answer ?? {}) as { errorType?: string; errorMessage?: string };
  // What it had done it goes on from.
  if (workerLost.includes(errorType)) return new SkyhaulError('AwsUnavailable', `the janitor ended: ${errorType}`);
  return new SkyhaulError(
    isErrorName(errorType) ? errorType : 'Unexpected',
    `the janitor: ${errorType} ${errorMessage}`,
  );
}
