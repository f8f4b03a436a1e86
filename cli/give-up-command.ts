import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { cleanRun } from '../lib/janitor/clean-run.ts';
import { readRunInput } from '../lib/plan/run-input.ts';
import { exitCode } from './exit-code.ts';
import { MEMORY_BYTES } from './handlers.ts';
import { retryHere } from './next-command.ts';
import { reportedLines } from './reported-lines.ts';
import type { Surroundings } from './run-command.ts';
import { sharedContext } from './shared-context.ts';
import { destinationOf, openStores, type S3Address, stateOf } from './stores.ts';
import { readSummary } from './watch-run.ts';

export interface GiveUpFlags {
  readonly run: string;
  /** As it was written. */
  readonly to: string;
  readonly address: S3Address;
  readonly json: boolean;
}

/**
 * `skyhaul stop --to`: of a run that `skyhaul run` was interrupted in, what is half done is given up, and what there is
 * is reported. Throws RunInUse while a process is at work on it, RunNotFound. Returns the exit code.
 */
export async function giveUpCommand({ run, to, address, json }: GiveUpFlags, around: Surroundings): Promise<number> {
  const stores = openStores(address);
  try {
    const state = stores.open(stateOf(destinationOf(to, around.cwd)));
    const asked = await readRunInput(state, run);
    if (!asked) throw new SkyhaulError('RunNotFound', `there is no run ${run} at ${to}`);
    const name = `${run}-stop-${around.pid}`;
    const signal = new AbortController().signal;
    const shared = sharedContext({ ...around, state, stores, allowNetworks: [], signal, emit: () => undefined }, name);
    const cleaned = await cleanRun(run, { ...shared, attempt: name, memoryBytes: MEMORY_BYTES });
    if (cleaned.state === 'running') {
      throw new SkyhaulError('RunInUse', `a process is at work on run ${run}: stop it with Ctrl-C first`);
    }
    const summary = await readSummary(state, run);
    const say = (...lines: readonly string[]) => around.stderr.write(`${lines.join('\n')}\n`);
    if (!summary) {
      say('It had not begun to work, so there is nothing to report.');
      return exitCode.done;
    }
    if (json) around.stdout.write(`${JSON.stringify(summary)}\n`);
    const retry = (allowNetworks: readonly string[]) => retryHere(run, { to, allowNetworks, ...given(address) });
    say(...(await reportedLines(state, { summary, cwd: around.cwd, retry })));
    return exitCode.done;
  } finally {
    await stores.close();
  }
}

function given({ endpoint, region }: S3Address) {
  return { ...(endpoint !== undefined && { endpoint }), ...(region !== undefined && { region }) };
}
