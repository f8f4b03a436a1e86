import type { RunContext, RunEvent } from '../lib/run-context.ts';
import { RobotsCache } from '../lib/source/robots-cache.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import type { Vault } from '../lib/transfer/secrets.ts';
import type { LoadUserModule } from '../lib/transform/user-module.ts';
import { hasProcess, isAlive } from './is-alive.ts';
import { openManifest } from './open-manifest.ts';
import type { Stores } from './stores.ts';

/** What all invocations of a run share; attempt and memory are each invocation's own. */
export type SharedContext = Omit<RunContext, 'attempt' | 'memoryBytes' | 'tally'>;

export interface ContextJob {
  readonly state: ObjectStore;
  readonly stores: Stores;
  readonly allowNetworks: readonly string[];
  readonly host: string;
  readonly pid: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  readonly userModule?: LoadUserModule;
  readonly vault?: Vault;
}

/** Transfers at once. More than 40 shards of a round would not fit into an inline Map. */
export const CONCURRENCY = { default: 4, ceiling: 40 };
const MAX_SHARDS = 40;

/** What the entry points of the engine get from this process. */
export function sharedContext(job: ContextJob, execution: string): SharedContext {
  const { stores, host, pid, now } = job;
  return {
    state: job.state,
    openDestination: (to) => stores.open(to),
    openManifest: (uri) => openManifest(uri, (bucket) => stores.open(bucket)),
    now,
    random: job.random,
    signal: job.signal,
    deadline: undefined,
    inProcess: true,
    allowNetworks: job.allowNetworks,
    maxShards: MAX_SHARDS,
    concurrency: CONCURRENCY,
    owner: { execution, host, pid },
    isAlive: async (owner, beatAt) => isAlive(owner, beatAt, { host, pid, now: now(), hasProcess }),
    emit: job.emit,
    userModule: job.userModule,
    vault: job.vault,
    robots: new RobotsCache(),
  };
}
