import type { LedgerRow } from '../contract/ledger-row.ts';
import type { Options } from '../contract/options.ts';
import type { ItemWork } from '../contract/work.ts';
import type { RunContext } from '../run-context.ts';
import type { MayAsk, SourceClient } from '../source/source.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { HostCircuits } from './host-circuit.ts';
import type { KnownAbsent } from './known-absent.ts';
import type { Politeness } from './politeness.ts';
import type { Secrets } from './secrets.ts';

/** What the lanes of one attempt share. */
export interface ShardRun {
  readonly context: RunContext;
  /** Which run stored an object, in its metadata. */
  readonly mark: string;
  readonly options: Options;
  readonly destination: ObjectStore;
  /** Of its items' keys; none where a look costs next to nothing. */
  readonly absent: KnownAbsent | undefined;
  readonly pool: BufferPool;
  /** Aborted when the run is stopped, the deadline is near, or the destination refuses everybody. */
  readonly stop: AbortController;
  /** Aborted some time after `stop`: what is being sent is given up, too. */
  readonly halt: AbortSignal;
  /** Aborted when the round has been over for so long that not even a part is waited for. */
  readonly leave: AbortSignal;
  /** Epoch milliseconds. */
  readonly roundEndsAt: number;
  readonly time: { readonly leftMs: () => number; readonly fullMs: number };
  /** It was the deadline of the invocation that stopped it. */
  isCut: boolean;
  /** No new item: the round is over, the run is at a limit, or the attempt stops. */
  readonly isOver: () => boolean;
  readonly record: (row: LedgerRow) => void;
  readonly flush: () => Promise<void>;
  /** `mayAsk` is asked before every request. */
  readonly openClient: (mayAsk: MayAsk) => SourceClient;
  /** Rates, and what is owed to hosts behind redirects. */
  readonly politeness: Politeness;
  /** Which hosts refuse. */
  readonly hosts: HostCircuits;
  readonly secrets: Secrets | undefined;
  /** Items begun in this invocation; one that needs an invocation of its own begins as the first. */
  begun: number;
  /** What this attempt brought to an end, or put off to a later round. */
  readonly settled: Set<ItemWork>;
}
