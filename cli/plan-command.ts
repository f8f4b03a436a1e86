import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batchInput } from '../lib/contract/batch-input.ts';
import { HostLimits } from '../lib/contract/host-limits.ts';
import { parseContract } from '../lib/contract/parse.ts';
import { requirePossible } from '../lib/plan/check-input.ts';
import { readList } from '../lib/plan/read-list.ts';
import { planRound, workersFor } from '../lib/plan/round-plan.ts';
import { exitCode } from './exit-code.ts';
import { MEMORY_BYTES } from './handlers.ts';
import { type PlanView, planLines } from './plan-view.ts';
import { prepareList } from './prepare-list.ts';
import type { Surroundings } from './run-command.ts';
import type { RunFlags } from './run-flags.ts';
import { sharedContext } from './run-in-process.ts';
import { destinationOf, openStores } from './stores.ts';

/** What a stack takes on unless it is told otherwise: Lambdas at once, and shards of a round. */
const DEPLOYED = { workers: 50, maxShards: 10_000 };
const RUN = 'plan';

/**
 * `skyhaul plan`: reads a list as `run` would, and says what would come of it: items, hosts, lanes, shards and what the first
 * round would cost in Lambda. Asks no source, and neither looks nor writes at the destination. Returns the exit code.
 */
export async function planCommand(flags: RunFlags, around: Surroundings): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'skyhaul-plan-'));
  const stores = openStores(flags);
  try {
    const state = stores.open(join(folder, '.skyhaul'));
    const signal = new AbortController().signal;
    const manifest = await prepareList(flags, { ...around, state, run: RUN, signal });
    const to = destinationOf(flags.to, around.cwd);
    const input = parseContract(batchInput, { run: RUN, manifest, to, options: flags.options }, 'batch input');
    const context = {
      ...sharedContext({ ...around, state, stores, signal, allowNetworks: [], emit: () => undefined }, RUN),
      attempt: RUN,
      memoryBytes: MEMORY_BYTES,
      hasUserModule: flags.module !== undefined,
    };
    requirePossible(context, RUN, input.options, undefined);
    const { status, left } = await readList(context, RUN, { input, startedAt: around.now() });
    const { options } = input;
    // Copies wait for what they are copies of.
    const first = left.filter(({ waitsFor }) => waitsFor === undefined);
    const plan = planRound(first, {
      options,
      leads: undefined,
      workers: workersFor(options.maxConcurrency ?? DEPLOYED.workers, options),
      maxShards: DEPLOYED.maxShards,
    });
    const limits = new HostLimits(options);
    const hosts = new Set(left.map(({ host }) => host));
    const sizes = left.flatMap(({ bytes }) => bytes ?? []);
    const view: PlanView = {
      items: status.items,
      duplicates: status.skipped,
      invalid: status.failed,
      hosts: hosts.size,
      mostConnections: Array.from(hosts).reduce((most, host) => Math.max(most, limits.connectionsOf(host)), 0),
      lanes: plan.lanes,
      shards: plan.layout.shards.length,
      bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
      unknownSizes: left.length - sizes.length,
      cost: plan.cost,
    };
    around.stdout.write(flags.json ? `${JSON.stringify(view)}\n` : `${planLines(view).join('\n')}\n`);
    return exitCode.done;
  } finally {
    await stores.close();
    await rm(folder, { recursive: true, force: true });
  }
}
