import type { LedgerRow } from '../contract/ledger-row.ts';
import type { Options } from '../contract/options.ts';
import type { Outcome } from '../contract/outcome.ts';
import type { ItemWork } from '../contract/work.ts';
import type { SourceClient } from '../source/source.ts';
import type { StreamedBody } from '../source/streamed-body.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { LoadUserModule } from '../transform/user-module.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { KnownAbsent } from './known-absent.ts';
import type { Secrets } from './secrets.ts';
import type { Tries } from './tries.ts';

/** What one piece of work gets from the attempt that takes it up. */
export interface ItemJob {
  /** Name and start of the run: marks what it stores. */
  readonly run: string;
  readonly work: ItemWork;
  readonly options: Options;
  readonly destination: ObjectStore;
  /** What a listing of the shard's targets has told. */
  readonly absent?: Pick<KnownAbsent, 'has'> | undefined;
  readonly client: SourceClient;
  /** Sent in the place of the `body` that stands in the item. Of the library only: no list can hold one. */
  readonly body?: StreamedBody | undefined;
  /** For requests that refer to some. */
  readonly secrets?: Secrets | undefined;
  readonly pool: BufferPool;
  readonly tries: Tries;
  /** Ends the reading: the run is stopped, the time is up, the item took too long. */
  readonly signal: AbortSignal;
  /** Ends what is being sent, too. */
  readonly halt: AbortSignal;
  /** The end of the round, for whoever can go on later. */
  readonly leave: {
    /** Past it: stop at the next part boundary. */
    readonly isDue: () => boolean;
    /** Aborted when even that takes too long. */
    readonly signal: AbortSignal;
  };
  /** Milliseconds until this invocation must stop, and those of a whole one; infinite without a deadline. */
  readonly time: { readonly leftMs: () => number; readonly fullMs: number };
  readonly now: () => number;
  /** Into the ledger, at its leisure. */
  readonly record: (row: LedgerRow) => void;
  /** Resolves when every recorded row is safe. */
  readonly flush: () => Promise<void>;
  /** Waits; ends early when `signal` does. */
  readonly pause: (ms: number) => Promise<void>;
  readonly onBytes: (bytes: number, totalBytes: number | undefined) => void;
  /** Code of the user's own, for a step `module`. */
  readonly userModule?: LoadUserModule | undefined;
  /** What that code has to say. */
  readonly log?: (message: string) => void;
}

/** What one try adds to the outcome; who counts tries and time adds the rest. */
export type ItemResult = Pick<
  Outcome,
  | 'outcome'
  | 'reason'
  | 'message'
  | 'status'
  | 'bytes'
  | 'crc32'
  | 'sha256'
  | 'verified'
  | 'sourceEtag'
  | 'objectEtag'
  | 'copiedFrom'
  | 'objects'
  | 'bytesIn'
  | 'rowsIn'
  | 'rowsOut'
  | 'inline'
>;
