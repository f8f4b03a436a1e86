import { pipeline } from 'node:stream/promises';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { runKeys } from '../lib/ledger/run-keys.ts';
import { readRunInput } from '../lib/plan/run-input.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { exitCode } from './exit-code.ts';
import { deployedCommand, retryHere } from './next-command.ts';
import { type ReportedRun, reportedLines } from './reported-lines.ts';
import type { Surroundings } from './run-command.ts';
import { inState, type StatePlace } from './session.ts';
import { readSummary } from './watch-run.ts';

export interface ReportFlags {
  readonly run: string;
  readonly place: StatePlace;
  /** What goes to stdout. */
  readonly show: 'text' | 'json' | 'lines' | 'failed';
}

/** `skyhaul report`: what a run has written about itself. Returns the exit code. */
export async function reportCommand({ run, place, show }: ReportFlags, around: Surroundings): Promise<number> {
  return inState(place, around.cwd, async ({ state }) => {
    const summary = await readSummary(state, run);
    if (!summary) throw await missing(state, run);
    const { report, failed } = runKeys(run);
    switch (show) {
      case 'json':
        around.stdout.write(`${JSON.stringify(summary)}\n`);
        break;
      case 'lines':
        await copy(state, report, around);
        break;
      case 'failed':
        await copy(state, failed, around);
        break;
      case 'text': {
        const lines = await reportedLines(state, { summary, cwd: around.cwd, retry: retry(place, run) });
        around.stdout.write(`${lines.join('\n').trimStart()}\n`);
      }
    }
    return exitCode.done;
  });
}

async function missing(state: ObjectStore, run: string): Promise<SkyhaulError> {
  const asked = await readRunInput(state, run);
  if (!asked) return new SkyhaulError('RunNotFound', `there is no run ${run} at ${state.uri}`);
  return new SkyhaulError('ReportMissing', `run ${run} has written no report`);
}

/** The command that runs the failed lines again. */
function retry({ to, deployment }: StatePlace, run: string): ReportedRun['retry'] {
  if (to === undefined) return () => ({ command: deployedCommand(['redrive', run], deployment) });
  const { endpoint, region } = deployment;
  return (allowNetworks) => retryHere(run, { to, allowNetworks, endpoint, region });
}

async function copy(state: ObjectStore, key: string, { stdout }: Surroundings): Promise<void> {
  const found = await state.get(key);
  if (!found) throw new SkyhaulError('ReportMissing', `there is no ${state.uriOf(key)}`);
  try {
    await pipeline(found.body, ownCopies, stdout, { end: false });
  } catch (error) {
    // Whoever read our output has left (`| head`).
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

/** A chunk is the reader's own only until it asks for the next one; stdout may keep it for longer. */
async function* ownCopies(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of body) yield Uint8Array.from(chunk);
}
