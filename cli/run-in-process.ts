import type { Readable } from 'node:stream';
import { type Summary, summary } from '../lib/contract/summary.ts';
import { heartbeat } from '../lib/plan/claim.ts';
import type { RunEvent } from '../lib/run-context.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { awsVault } from '../lib/transfer/read-secret.ts';
import type { Vault } from '../lib/transfer/secrets.ts';
import type { LoadUserModule } from '../lib/transform/user-module.ts';
import { inProcessHandlers, MEMORY_BYTES, type SharedContext } from './handlers.ts';
import { hasProcess, isAlive } from './is-alive.ts';
import { openManifest } from './open-manifest.ts';
import { prepareList } from './prepare-list.ts';
import type { RunFlags } from './run-flags.ts';
import { randomWord } from './run-id.ts';
import { readDefinition, runMachine } from './run-machine.ts';
import { destinationOf, type Stores } from './stores.ts';

/** One run with everything it needs from outside. */
interface Job extends ContextJob {
  readonly flags: RunFlags;
  readonly run: string;
  readonly stdin: Readable;
  readonly cwd: string;
}

interface ContextJob {
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
const CONCURRENCY = { default: 4, ceiling: 40 };
const MAX_SHARDS = 40;

/** Returns when nothing of the run is going on any more. Throws SkyhaulErrors; `Interrupted` when the signal said so. */
export async function runInProcess(job: Job): Promise<Summary> {
  const { flags, run, now } = job;
  const manifest = await prepareList(flags, job);
  const name = `${run}-${randomWord(6, job.random)}`;
  const { secrets, region } = flags;
  const vault = awsVault({ region });
  const shared = sharedContext(
    secrets.length > 0 ? { ...job, vault: { bindings: secrets, read: vault.read } } : job,
    name,
  );
  const handlers = inProcessHandlers(shared, name);
  const beat = heartbeat({ ...shared, attempt: name, memoryBytes: MEMORY_BYTES }, run);
  try {
    const output = await runMachine({
      definition: await readDefinition(),
      input: { run, manifest, to: destinationOf(flags.to, job.cwd), options: flags.options },
      handlers,
      execution: { id: name, name, startedAt: new Date(now()).toISOString() },
      signal: job.signal,
    });
    return summary.parse(output);
  } finally {
    // A claim that cannot be given up is found out by its successor, for this process is gone then.
    await beat.stop().catch(() => undefined);
    vault.close();
  }
}

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
  };
}
