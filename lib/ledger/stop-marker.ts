import { z } from 'zod';
import type { ObjectStore } from '../store/object-store.ts';
import { getJson, putJson } from './json-lines.ts';
import { runKeys } from './run-keys.ts';

/**
 * `stop.json`: the run is to stop. Workers of the rounds up to `throughRound` look for it after they have said that they
 * began, so that whoever writes it and then reads the ledger knows of every worker that may still be at work.
 */
const marker = z.strictObject({ throughRound: z.int() });

/** Stops every round there is or will be, until the run is started again. */
export async function requestStop(state: ObjectStore, run: string): Promise<void> {
  await write(state, run, Number.MAX_SAFE_INTEGER);
}

/** A run that is started again stops no round from `round` on; what is left of earlier ones stays stopped. */
export async function resumeFrom(state: ObjectStore, run: string, round: number): Promise<void> {
  if (await isStopped(state, run, round)) await write(state, run, round - 1);
}

export async function isStopped(state: ObjectStore, run: string, round: number): Promise<boolean> {
  const found = await getJson(state, runKeys(run).stop);
  return found !== undefined && marker.parse(found).throughRound >= round;
}

async function write(state: ObjectStore, run: string, throughRound: number): Promise<void> {
  await putJson(state, runKeys(run).stop, { throughRound }, { condition: { kind: 'any' } });
}
