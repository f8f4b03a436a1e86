import { z } from 'zod';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import { getText, putJson } from '../ledger/json-lines.ts';
import { runKeys } from '../ledger/run-keys.ts';
import type { Owner, RunContext } from '../run-context.ts';
import type { Condition, ObjectStore } from '../store/object-store.ts';

/**
 * One writer per run: the claim names the execution that owns it. It is written only where none stands (If-None-Match)
 * or over the very claim that was read (If-Match), so of two that reach for a run exactly one gets it.
 */
const claim = z.strictObject({
  execution: z.string(),
  host: z.string().optional(),
  pid: z.int().optional(),
  /** Epoch milliseconds. */
  beatAt: z.int(),
  /** The owner gave the run up in good order. */
  released: z.boolean().optional(),
});
type Claim = z.infer<typeof claim>;

const BEAT_MS = 15_000;

/** Throws RunInUse. Claiming a run that is ours already is fine. */
export async function takeClaim(context: RunContext, run: string): Promise<void> {
  const found = await readClaim(context.state, run);
  if (!found) return write(context, run, { kind: 'absent' });
  const { released, beatAt, ...owner } = found.claim;
  const isFree = released === true || owner.execution === context.owner.execution;
  if (!isFree && (await context.isAlive(owner, beatAt))) throw inUse(run, owner);
  await write(context, run, { kind: 'matches', etag: found.etag });
}

/** Throws RunInUse when another execution has taken the run over meanwhile: a machine that slept, say. */
export async function requireClaim(context: RunContext, run: string): Promise<void> {
  const found = await readClaim(context.state, run);
  if (found && found.claim.execution !== context.owner.execution) throw inUse(run, found.claim);
}

/** Gives the run up in good order, so that a successor need not wait. Does nothing where it is no longer ours. */
export async function releaseClaim(context: RunContext, run: string): Promise<void> {
  await renew(context, run, true);
}

/** Who holds the run, if anybody may still be at work on it. */
export async function livingOwner(
  context: Pick<RunContext, 'state' | 'isAlive'>,
  run: string,
): Promise<Owner | undefined> {
  const found = await readClaim(context.state, run);
  if (!found) return undefined;
  const { released, beatAt, ...owner } = found.claim;
  return released !== true && (await context.isAlive(owner, beatAt)) ? owner : undefined;
}

/** Says that the owner is at work, until stopped; in-process only, where nobody else can tell. */
export function heartbeat(context: RunContext, run: string): { stop(): Promise<void> } {
  let last: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // A beat that is lost is made up for by the next one; a successor waits for several.
    last = last.then(() => renew(context, run)).catch(() => undefined);
  }, BEAT_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await last;
      await releaseClaim(context, run);
    },
  };
}

async function renew(context: RunContext, run: string, released?: true): Promise<void> {
  const found = await readClaim(context.state, run);
  if (found?.claim.execution !== context.owner.execution) return;
  await write(context, run, { kind: 'matches', etag: found.etag }, released);
}

/** The claim as it stands, whether its owner is alive or not. */
export async function readClaim(state: ObjectStore, run: string): Promise<{ claim: Claim; etag: string } | undefined> {
  const found = await getText(state, runKeys(run).claim);
  return found && { claim: claim.parse(JSON.parse(found.text)), etag: found.etag };
}

async function write(context: RunContext, run: string, condition: Condition, released?: true): Promise<void> {
  const mine: Claim = { ...context.owner, beatAt: context.now(), ...(released && { released }) };
  try {
    await putJson(context.state, runKeys(run).claim, mine, { condition, sealed: true });
  } catch (error) {
    if (toSkyhaulError(error).name === 'CommitConflict') throw inUse(run);
    throw error;
  }
}

function inUse(run: string, owner?: Owner): SkyhaulError {
  const by = owner ? ` by ${owner.pid === undefined ? owner.execution : `process ${owner.pid} on ${owner.host}`}` : '';
  return new SkyhaulError('RunInUse', `run ${run} is being worked on${by}`);
}
