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
    for await (const run of runs) around.stdout.write(`${json ? JSON.stringify(jsonOf(run)) : rowOf(run)}\n`);
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

function rowOf({ run, state, startedAt, items, counts }: ListedRun): string {
  const numbers = [items, counts?.stored, counts?.skipped, counts?.failed];
  return line(
    [run, state, startedAt === undefined ? '' : timeOf(startedAt)],
    numbers.map((count) => (count === undefined ? '' : formatCount(count))),
  );
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function jsonOf({ startedAt, ...run }: ListedRun): object {
  return { ...run, ...(startedAt !== undefined && { startedAt: timeOf(startedAt) }) };
}
