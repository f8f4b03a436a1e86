import { exitCode } from './exit-code.ts';
import { type ListedRun, listRuns } from './list-runs.ts';
import { placeAlive } from './place-alive.ts';
import type { Surroundings } from './run-command.ts';
import { inState, type StatePlace } from './session.ts';
import { formatCount } from './units.ts';

export interface ListFlagsOfRuns {
  readonly place: StatePlace;
  readonly json: boolean;
}

/** `skyhaul list`: the runs of a deployment, or of a destination of `skyhaul run`. Returns the exit code. */
export async function listCommand({ place, json }: ListFlagsOfRuns, around: Surroundings): Promise<number> {
  return inState(place, around.cwd, async ({ aws, state }) => {
    const runs = listRuns({ state, isAlive: placeAlive(around, aws) });
    if (!json) around.stdout.write(`${HEAD}\n`);
    let count = 0;
    for await (const run of runs) {
      count += 1;
      around.stdout.write(`${json ? JSON.stringify(jsonOf(run)) : rowOf(run)}\n`);
    }
    if (count === 0) around.stderr.write(`There are no runs at ${state.uri}.\n`);
    return exitCode.done;
  });
}

const COLUMNS = [22, 9, 20] as const;
const NUMBER = 11;

function line(texts: readonly [string, string, string], numbers: readonly string[]): string {
  const left = texts.map((text, index) => text.padEnd(COLUMNS[index] ?? 0)).join('  ');
  return `${left}${numbers.map((text) => text.padStart(NUMBER)).join('')}`;
}

const HEAD = line(['RUN', 'STATE', 'STARTED'], ['ITEMS', 'STORED', 'SKIPPED', 'FAILED']);

function rowOf({ run, state, startedAt, items, counts, isBehind, notTried }: ListedRun): string {
  // A number that is known to be too small would be read as one that is right.
  const known = counts && !isBehind ? [counts.stored, counts.skipped, counts.failed - notTried].map(formatCount) : [];
  const numbers = [items === undefined ? '' : formatCount(items), ...known, ...(isBehind ? ['-', '-', '-'] : [])];
  return line([run, state, startedAt === undefined ? '' : timeOf(startedAt)], numbers);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function jsonOf({ startedAt, isBehind, notTried, ...run }: ListedRun): object {
  return {
    ...run,
    ...(isBehind && { isBehind }),
    ...(notTried > 0 && { notTried }),
    ...(startedAt !== undefined && { startedAt: timeOf(startedAt) }),
  };
}
