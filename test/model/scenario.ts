import { MiB } from '../../lib/contract/limits.ts';
import type { Options } from '../../lib/contract/options.ts';
import type { Faults } from './world.ts';

/** One corner of the world to be explored to its end. */
export interface Scenario {
  readonly overwrite: Options['overwrite'];
  /** At the target before the run: nothing, somebody's file, or what an earlier run stored of version 1. */
  readonly existing: 'none' | 'other' | 'version-1';
  readonly parts: number;
  /**
   * `twins`: two attempts on one shard, one of them begun at any time, before or after the other's end: a duplicate, a
   * retry, a zombie. `ranges`: an open upload whose last parts are with two workers, and a third who comes for the rest.
   */
  readonly shape: 'twins' | 'ranges';
  readonly validator: 'strong' | 'weak';
  readonly ranges: 'served' | 'refused';
  /** `digest`: the same bytes have the same ETag. `opaque`: every write has one of its own, as under KMS. */
  readonly etags: 'digest' | 'opaque';
  readonly foreignWriter: boolean;
  readonly mayStop: boolean;
  /** A worker may stand still between its first look at the ledger and its first row there. */
  readonly lateBegin: boolean;
  readonly faults: Faults;
  /** Without the reductions of steps.ts and worker.ts, to compare. */
  readonly isReduced: boolean;
}

/** The protocol, and how it is done wrong by whoever has not thought of it. The first of each is ours. */
export interface Variant {
  /** `ignored`: bytes are joined whatever the answer says. */
  readonly validator: 'checked' | 'ignored';
  /** `anew`: who takes an upload up pins what the source is then. */
  readonly pin: 'kept' | 'anew';
  readonly commit: 'conditional' | 'unconditional';
  /** Who loses the race for the key adopts what won it: the same bytes or another attempt's, the same bytes, anything. */
  readonly loser: 'adopts-ours' | 'compares-bytes' | 'adopts-anything';
  /** A commit without an answer: the object tells, or it is taken for done. */
  readonly lostReply: 'resolved' | 'assumed-done';
  /** Parts whose ETags another attempt changed. */
  readonly invalidPart: 'listed-again' | 'fatal';
  readonly janitor: 'patient' | 'early' | 'knows-newest-round-only';
  /** What tells a worker that begins late that its round is over. */
  readonly marker: 'before-the-ledger-is-read' | 'on-stop-only' | 'none';
  /** The Plan that finds the run stopped. */
  readonly stoppedPlan: 'ends-uploads' | 'reports-at-once';
}

export const OURS: Variant = {
  validator: 'checked',
  pin: 'kept',
  commit: 'conditional',
  loser: 'adopts-ours',
  lostReply: 'resolved',
  invalidPart: 'listed-again',
  janitor: 'patient',
  marker: 'before-the-ledger-is-read',
  stoppedPlan: 'ends-uploads',
};

const USUAL: Scenario = {
  overwrite: 'never',
  existing: 'none',
  parts: 2,
  shape: 'twins',
  validator: 'strong',
  ranges: 'served',
  etags: 'opaque',
  foreignWriter: false,
  mayStop: false,
  lateBegin: false,
  faults: { stops: 1, breaks: 0, lost: 0 },
  isReduced: true,
};

export function scenario(change: Partial<Scenario> = {}): Scenario {
  return { ...USUAL, ...change };
}

/** Files below 64 MiB stay whole; of larger ones every missing part is worth a range. */
export function partBytesOf({ shape }: Scenario): number {
  return (shape === 'ranges' ? 64 : 8) * MiB;
}
