import { z } from 'zod';
import { toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { Condition, ObjectStore } from '../store/object-store.ts';
import { getText, putJson } from './json-lines.ts';
import { runKeys } from './run-keys.ts';

/**
 * `stop.json`: the run is to stop, or these rounds of it are over. Workers of the rounds up to `throughRound` look for it
 * after they have said that they began, so that whoever writes it and then reads the ledger knows of every worker that
 * may still be at work.
 */
const marker = z.strictObject({ throughRound: z.int() });

/** Stops every round there is or will be, until the run is started again. */
export async function requestStop(state: ObjectStore, run: string): Promise<void> {
  await write(state, run, Number.MAX_SAFE_INTEGER);
}

/** Ends a round whose ledger is to be read: a worker of it that begins later finds that, and does nothing. */
export async function endRound(state: ObjectStore, run: string, round: number): Promise<void> {
  const before = await read(state, run);
  if (before && before.throughRound >= round) return;
  try {
    await write(state, run, round, before ? { kind: 'matches', etag: before.etag } : { kind: 'absent' });
  } catch (error) {
    // Somebody stopped the run just now, which ends this round, too.
    if (toSkyhaulError(error).name !== 'CommitConflict') throw error;
  }
}

/** A run that is started again stops no round from `round` on; what is left of earlier ones stays stopped. */
export async function resumeFrom(state: ObjectStore, run: string, round: number): Promise<void> {
  if (await isStopped(state, run, round)) await write(state, run, round - 1);
}

export async function isStopped(state: ObjectStore, run: string, round: number): Promise<boolean> {
  const found = await read(state, run);
  return found !== undefined && found.throughRound >= round;
}

async function read(state: ObjectStore, run: string) {
  const found = await getText(state, runKeys(run).stop);
  return found && { ...marker.parse(JSON.parse(found.text)), etag: found.etag };
}

async function write(
  state: ObjectStore,
  run: string,
  throughRound: number,
  condition: Condition = { kind: 'any' },
): Promise<void> {
  await putJson(state, runKeys(run).stop, { throughRound }, { condition });
}
