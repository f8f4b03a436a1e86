import { z } from 'zod';
import { type BatchInput, batchInput } from '../contract/batch-input.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { getJson, putJson } from '../ledger/json-lines.ts';
import { runKeys } from '../ledger/run-keys.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** `input.json`: what was asked and when. It may hold headers and signed URLs, so it is sealed. */
const runInput = z.strictObject({
  input: batchInput,
  /** Epoch milliseconds. */
  startedAt: z.int(),
});
export type RunInput = z.infer<typeof runInput>;

/**
 * The input a run works on: the stored one, which never changes once its list is read, or the given one, which is stored now. Throws
 * RunNotFound (nothing given, nothing stored) and RunInputDiffers.
 */
export async function settleInput(
  state: ObjectStore,
  run: string,
  given: BatchInput,
  startedAt: number,
  hasStatus: boolean,
): Promise<RunInput> {
  const stored = await readRunInput(state, run);
  const isContinuation = !given.items && !given.manifest;
  // Input that never became a status, a list with bad lines for one, may be corrected under the same id.
  if (stored && (isContinuation || hasStatus)) {
    if (!isContinuation && !isSame(stored.input, given)) {
      throw new SkyhaulError('RunInputDiffers', `run ${run} was started with other input`);
    }
    return stored;
  }
  if (isContinuation) throw new SkyhaulError('RunNotFound', `there is no run ${run} at ${state.uri}`);
  const fresh: RunInput = { input: given, startedAt };
  await putJson(state, runKeys(run).input, fresh, { condition: { kind: 'any' }, sealed: true });
  return fresh;
}

export async function readRunInput(state: ObjectStore, run: string): Promise<RunInput | undefined> {
  const found = await getJson(state, runKeys(run).input);
  return found === undefined ? undefined : runInput.parse(found);
}

/** Equal but for the run id. Both come out of the same schema, so their fields stand in the same order. */
function isSame(a: BatchInput, b: BatchInput): boolean {
  return JSON.stringify({ ...a, run: '' }) === JSON.stringify({ ...b, run: '' });
}
