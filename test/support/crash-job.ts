import type { PlanAnswer } from '../../lib/contract/machine.ts';
import type { StoreLimits } from '../../lib/store/object-store.ts';
import type { Level, Trip } from './crash-trip.ts';

export type Place =
  | { readonly kind: 'local'; readonly root: string }
  | { readonly kind: 's3'; readonly endpoint: string };

/** What one process is to do. */
export interface Job {
  readonly place: Place;
  /**
   * `run`: an execution from its beginning. `shard`: plans, then only the shards of that plan, as workers. `go-on`: what
   * an execution does behind a plan, beginning with its shards (again) or with the next plan. `clean`: the janitor.
   */
  readonly work:
    | { readonly kind: 'run' | 'shard'; readonly input: unknown }
    | { readonly kind: 'go-on'; readonly plan: PlanAnswer; readonly withShards: boolean }
    | { readonly kind: 'clean'; readonly run: string };
  readonly execution: string;
  /** Unique for each process. */
  readonly attempt: string;
  /** Milliseconds that its clock is ahead. */
  readonly aheadMs: number;
  /** The same for the clock by which the local store finds a lock stale. */
  readonly locksAheadMs: number;
  readonly inProcess: boolean;
  readonly memoryBytes: number;
  readonly limits: Partial<StoreLimits>;
  readonly trip?: Trip;
  /** File of eight bytes: how many came from the source. Survives the process. */
  readonly meter: string;
}

/** What a process says when it was not killed; `plan` as soon as it has one, of `shard`. */
export type Said = { readonly plan: PlanAnswer } | { readonly counts: Record<Level, number> };
