import { z } from 'zod';
import { type BatchInput, batchInput } from '../contract/batch-input.ts';
import { type GivenOptions, mergeOptions } from '../contract/merge-options.ts';
import { requireSupportedOptions } from '../contract/not-supported.ts';
import { options } from '../contract/options.ts';
import { parseContract } from '../contract/parse.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { getJson, putJson } from '../ledger/json-lines.ts';
import { runKeys } from '../ledger/run-keys.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** `input.json`: what was asked and when. It may hold headers and signed URLs, so it is sealed. */
const runInput = z.strictObject({
  input: batchInput,
  /** Epoch milliseconds. */
  startedAt: z.int(),
  /** Options as they were given, before the defaults of the deployment and of the contract. */
  given: z.record(z.string(), z.unknown()).optional(),
  /** Networks that the first call named. For the commands that are shown: nobody is let in by this. */
  allowNetworks: z.array(z.string()).optional(),
});
export type RunInput = z.infer<typeof runInput>;

/** What a run is begun with, beside its input. */
export interface Terms {
  /** Its options before any default. */
  readonly given?: GivenOptions | undefined;
  /** Of the deployment, below what is given. */
  readonly defaults?: GivenOptions | undefined;
  readonly allowNetworks?: readonly string[] | undefined;
}

/**
 * The input a run works on: the stored one, which never changes once its list is read, or the given one, which is stored
 * now. The defaults of the deployment go into it once, so that a run keeps those that it began with. Throws RunNotFound
 * (nothing given, nothing stored), RunInputDiffers, and BatchInvalid where given and defaults do not go together.
 */
export async function settleInput(
  state: ObjectStore,
  run: string,
  given: BatchInput,
  startedAt: number,
  hasStatus: boolean,
  terms: Terms = {},
): Promise<RunInput> {
  const stored = await readRunInput(state, run);
  const isContinuation = !given.items && !given.manifest;
  // Input that never became a status, a list with bad lines for one, may be corrected under the same id.
  if (stored && (isContinuation || hasStatus)) {
    if (!isContinuation && !isSame(asGiven(stored), given)) {
      throw new SkyhaulError('RunInputDiffers', `run ${run} was started with other input`);
    }
    if (hasStatus || !terms.defaults || !stored.given) return stored;
    return store(state, run, { ...stored, input: withDefaults(stored.input, stored.given, terms.defaults) });
  }
  if (isContinuation) throw new SkyhaulError('RunNotFound', `there is no run ${run} at ${state.uri}`);
  const { given: options, defaults, allowNetworks = [] } = terms;
  return store(state, run, {
    input: defaults ? withDefaults(given, options ?? {}, defaults) : given,
    startedAt,
    ...(options && { given: options }),
    ...(allowNetworks.length > 0 && { allowNetworks: [...allowNetworks] }),
  });
}

async function store(state: ObjectStore, run: string, fresh: RunInput): Promise<RunInput> {
  await putJson(state, runKeys(run).input, fresh, { condition: { kind: 'any' }, sealed: true });
  return fresh;
}

function withDefaults(input: BatchInput, given: GivenOptions, defaults: GivenOptions): BatchInput {
  const asked = { ...input, options: mergeOptions(defaults, given) };
  const merged = parseContract(batchInput, asked, 'batch input with the defaults of the deployment');
  requireSupportedOptions(merged.options);
  return merged;
}

/** As it came, without what a deployment put below it. */
function asGiven({ input, given }: RunInput): BatchInput {
  return given ? { ...input, options: options.parse(given) } : input;
}

export async function readRunInput(state: ObjectStore, run: string): Promise<RunInput | undefined> {
  const found = await getJson(state, runKeys(run).input);
  return found === undefined ? undefined : runInput.parse(found);
}

/** The same of a run that there must be. Throws RunNotFound. */
export async function requireRunInput(state: ObjectStore, run: string): Promise<RunInput> {
  const found = await readRunInput(state, run);
  if (!found) throw new SkyhaulError('RunNotFound', `there is no run ${run} at ${state.uri}`);
  return found;
}

/** Equal but for the run id. Both come out of the same schema, so their fields stand in the same order. */
function isSame(a: BatchInput, b: BatchInput): boolean {
  return JSON.stringify({ ...a, run: '' }) === JSON.stringify({ ...b, run: '' });
}
