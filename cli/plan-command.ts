import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batchInput } from '../lib/contract/batch-input.ts';
import { HostLimits } from '../lib/contract/host-limits.ts';
import { parseContract } from '../lib/contract/parse.ts';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { requirePossible } from '../lib/plan/check-input.ts';
import { planTime } from '../lib/plan/plan-time.ts';
import { readList } from '../lib/plan/read-list.ts';
import { planRound, workersFor } from '../lib/plan/round-plan.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { errorLines } from './error-view.ts';
import { exitCode, exitCodeOfError } from './exit-code.ts';
import { MEMORY_BYTES } from './handlers.ts';
import { type PlanView, planLines } from './plan-view.ts';
import { prepareList } from './prepare-list.ts';
import type { Surroundings } from './run-command.ts';
import type { RunFlags } from './run-flags.ts';
import { sharedContext } from './shared-context.ts';
import { watchStopSignals } from './stop-signals.ts';
import { destinationOf, openStores, type Stores } from './stores.ts';

/** What a stack takes on unless it is told otherwise: Lambdas at once, and shards of a round. */
const DEPLOYED = { workers: 50, maxShards: 10_000 };
const RUN = 'plan';

/**
 * `skyhaul plan`: reads a list as `run` would, and says what would come of it: items, hosts, lanes, shards, and how long the
 * first round would take and what it would cost in Lambda. Asks no source, and neither looks nor writes at the destination.
 * Returns the exit code.
 */
export async function planCommand(flags: RunFlags, around: Surroundings): Promise<number> {
  if (flags.list.kind === 'none') {
    const text = 'plan reads a list, and this call names none; what became of a run is shown by `skyhaul report`';
    throw new SkyhaulError('BatchInvalid', text);
  }
  let folder: string | undefined;
  const stores = openStores(flags);
  const leave = () => {
    // At once, since nothing is to be finished; the list, which may hold credentials, is not left behind.
    if (folder) rmSync(folder, { recursive: true, force: true });
    around.leave(exitCode.interrupted);
  };
  const unwatch = watchStopSignals(around.signals, { now: around.now, onFirst: leave, onSecond: leave });
  try {
    folder = mkdtempSync(join(tmpdir(), 'skyhaul-plan-'));
    const view = await planList(flags, around, stores, stores.open(join(folder, '.skyhaul')));
    around.stdout.write(flags.json ? `${JSON.stringify(view)}\n` : `${planLines(view).join('\n')}\n`);
    return exitCode.done;
  } catch (thrown) {
    if (!(thrown instanceof SkyhaulError && thrown.name === 'ManifestInvalid')) throw thrown;
    // Nothing of a plan is kept where the rest of the bad lines could be read: all that are known are named.
    around.stderr.write(`${errorLines(thrown, Number.POSITIVE_INFINITY).join('\n')}\n`);
    return exitCodeOfError(thrown);
  } finally {
    await stores.close();
    if (folder) await rm(folder, { recursive: true, force: true });
    unwatch();
  }
}

/** `state`: for what is known of the list meanwhile. */
async function planList(flags: RunFlags, around: Surroundings, stores: Stores, state: ObjectStore): Promise<PlanView> {
  const signal = new AbortController().signal;
  const manifest = await prepareList(flags, { ...around, state, run: RUN, signal });
  const to = destinationOf(flags.to, around.cwd);
  const input = parseContract(batchInput, { run: RUN, manifest, to, options: flags.options }, 'batch input');
  const { options } = input;
  const context = {
    ...sharedContext({ ...around, state, stores, signal, allowNetworks: [], emit: () => undefined }, RUN),
    attempt: RUN,
    memoryBytes: MEMORY_BYTES,
    hasUserModule: flags.module !== undefined,
  };
  requirePossible(context, RUN, options, undefined);
  const { status, left, invalid } = await readList(context, RUN, { input, startedAt: around.now() }, false);
  // Copies wait for what they are copies of.
  const first = left.filter(({ waitsFor }) => waitsFor === undefined);
  const workers = workersFor(options.maxConcurrency ?? DEPLOYED.workers, options);
  const plan = planRound(first, { options, leads: undefined, workers, maxShards: DEPLOYED.maxShards });
  const limits = new HostLimits(options);
  const hosts = new Set(left.map(({ host }) => host));
  const sizes = left.flatMap(({ bytes }) => bytes ?? []);
  return {
    items: status.items,
    duplicates: status.skipped,
    invalid,
    behindLimit: (status.untried ?? 0) - (invalid - status.failed),
    hosts: hosts.size,
    mostConnections: Array.from(hosts).reduce((most, host) => Math.max(most, limits.connectionsOf(host)), 0),
    lanes: plan.lanes,
    shards: plan.layout.shards.length,
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    unknownSizes: left.length - sizes.length,
    time: planTime(plan, limits, workers),
    cost: plan.cost,
  };
}
