import type { DeployedLimits } from './contract/deployed-limits.ts';
import type { GivenOptions } from './contract/merge-options.ts';
import type { Outcome } from './contract/outcome.ts';
import type { Summary } from './contract/summary.ts';
import type { RobotsCache } from './source/robots-cache.ts';
import type { ObjectStore } from './store/object-store.ts';
import type { Vault } from './transfer/secrets.ts';
import type { Tally } from './transfer/tally.ts';
import type { LoadUserModule } from './transform/user-module.ts';

/**
 * Everything an invocation gets from outside: stores, clock, chance, time left, limits. The Lambda handlers build one
 * from their environment, `skyhaul run` from its flags; `lib/` itself reads neither clock nor environment elsewhere.
 */
export interface RunContext {
  /** `<state>`; keys begin with `runs/<run>/`. */
  readonly state: ObjectStore;
  /** Throws DestinationNotAllowed, BatchInvalid. The caller closes it. */
  readonly openDestination: (to: string) => ObjectStore;
  /** Throws ManifestUnreadable. */
  readonly openManifest: (uri: string) => Promise<ManifestSource>;
  readonly now: () => number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** Aborted when the run is to stop cleanly. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds at which the invocation is ended from outside; none in-process. */
  readonly deadline: number | undefined;
  /** Unique per invocation; names its ledger objects. */
  readonly attempt: string;
  /** Of the invocation. Buffers are cut from it. */
  readonly memoryBytes: number;
  /** True in-process, where memory costs nothing by the second. */
  readonly inProcess: boolean;
  /** CIDRs that the address guard lets through beside the public ones. */
  readonly allowNetworks: readonly string[];
  readonly maxShards: number;
  /** Default and ceiling of `maxConcurrency`. */
  readonly concurrency: { readonly default: number; readonly ceiling: number };
  /** Of every batch that does not say otherwise; in-process there are none. */
  readonly defaults?: GivenOptions | undefined;
  /** Never exceeded, whatever a batch or an item asks for. */
  readonly limits?: DeployedLimits | undefined;
  /** Of a batch that does not say; none: 5, then 30. */
  readonly roundMinutes?: number | undefined;
  readonly owner: Owner;
  /** Name of the role that begins our uploads; none in-process. */
  readonly uploader?: string | undefined;
  /** Whether the holder of a claim, last heard of at `beatAt` (epoch milliseconds), may still be at work. */
  readonly isAlive: (owner: Owner, beatAt: number) => Promise<boolean>;
  readonly emit: (event: RunEvent) => void;
  /** In-process: what all invocations of a round count together. */
  readonly tally?: Tally | undefined;
  /** In-process: the robots.txt files that all invocations of the run know together, and whose turn it is. */
  readonly robots?: RobotsCache | undefined;
  /** For requests that refer to secrets; none: they are refused. */
  readonly vault?: Vault | undefined;
  /** The user's own code, for a step `module`. */
  readonly userModule?: LoadUserModule | undefined;
  /** There is such code, though not here: deployed, Transfer alone can load it. */
  readonly hasUserModule?: boolean | undefined;
}

export interface ManifestSource {
  /** For the format, `.gz` included. */
  readonly name: string;
  readonly etag: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Who holds a run's claim, and how a successor can tell that it is dead. */
export interface Owner {
  readonly execution: string;
  /** In-process only. */
  readonly host?: string;
  readonly pid?: number;
}

/** What is shown while a run goes on; also the lines of `--json`. */
export type RunEvent =
  | {
      readonly event: 'run.planned';
      readonly run: string;
      readonly round: number;
      readonly items: number;
      /** Items of the list without an outcome; those that wait for their host are not among `items`. */
      readonly left?: number;
      readonly shards: number;
      readonly lanes?: number;
      /** What the round is going to cost, US dollars; the PUTs of the objects come on top. None in-process. */
      readonly cost?: { readonly total: number; readonly puts: number };
      /** Options that asked for more than the deployment allows. */
      readonly lowered?: readonly string[];
    }
  | {
      readonly event: 'run.waiting';
      readonly run: string;
      readonly seconds: number;
      /** Hosts that it waits for, some of them where they are many. */
      readonly refusing?: readonly { readonly host: string; readonly error: string }[];
    }
  | { readonly event: 'run.reported'; readonly run: string; readonly summary: Summary }
  | {
      readonly event: 'run.cleaned';
      readonly run: string;
      readonly state: 'running' | 'busy' | 'clean' | 'reported' | 'failed';
      /** Open uploads of the run that were ended. */
      readonly aborted?: number;
      readonly error?: string;
    }
  | {
      /** An invocation takes up a shard: what it may hold in memory, and how many lanes it works on at once. */
      readonly event: 'attempt.started';
      readonly run: string;
      readonly round: number;
      readonly shard: number;
      readonly slots: number;
      readonly bufferBytes: number;
    }
  | {
      readonly event: 'item.started';
      readonly line: number;
      /** Position in the list from 0: a line with a pattern is several items. */
      readonly index?: number;
      readonly url: string;
      readonly key: string;
    }
  | {
      readonly event: 'item.progress';
      readonly line: number;
      readonly index?: number;
      readonly bytes: number;
      readonly totalBytes: number | undefined;
    }
  | {
      readonly event: 'item.retrying';
      readonly line: number;
      readonly index?: number;
      readonly error: string;
      readonly afterMs: number;
    }
  /** Said by the user's own code. */
  | { readonly event: 'item.log'; readonly line: number; readonly message: string }
  | { readonly event: 'item.ended'; readonly index?: number; readonly outcome: Outcome };

/**
 * Enough time for the next piece of a long job, such as folding or reporting a million lines; else the entry point
 * answers `continue` and a fresh invocation goes on from what is written.
 */
export function hasTimeFor(context: RunContext, ms: number): boolean {
  return context.deadline === undefined || context.deadline - context.now() >= ms;
}
