import type { LedgerRow } from '../contract/ledger-row.ts';
import { MiB } from '../contract/limits.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { encodeLine, putText } from './json-lines.ts';
import { runKeys, type ShardAddress } from './run-keys.ts';

const FLUSH_CHARACTERS = 5 * MiB;
const MIN_FLUSH_MS = 5_000;

/**
 * Milliseconds between two flushes of one attempt, so that a whole run stays near 20 ledger PUTs a second however many
 * shards it has.
 */
export function flushIntervalMs(shards: number): number {
  return Math.max(MIN_FLUSH_MS, (shards / 20) * 1_000);
}

/**
 * The rows of one attempt, written as create-only objects: neither a retry nor a zombie can overwrite what another
 * attempt wrote. A row is safe once `flush` has returned; a failed flush keeps its rows for the next one.
 */
export class LedgerWriter {
  readonly #store: ObjectStore;
  readonly #keyOf: (sequence: number) => string;
  readonly #timer: NodeJS.Timeout;
  #waiting = '';
  #sequence = 0;
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: ObjectStore, run: string, address: ShardAddress & { attempt: string }, intervalMs: number) {
    this.#store = store;
    this.#keyOf = (sequence) => runKeys(run).ledger(address, address.attempt, sequence);
    // A flush that fails here fails again, and is heard, in `close`.
    this.#timer = setInterval(() => void this.flush().catch(() => undefined), intervalMs);
    this.#timer.unref();
  }

  append(row: LedgerRow): void {
    this.#waiting += encodeLine(row);
    if (this.#waiting.length >= FLUSH_CHARACTERS) void this.flush().catch(() => undefined);
  }

  flush(): Promise<void> {
    this.#flushing = this.#flushing.catch(() => undefined).then(() => this.#write());
    return this.#flushing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    if (this.#waiting === '') return;
    const text = this.#waiting;
    this.#waiting = '';
    try {
      // A new key each time: a PUT whose answer was lost stands, and its rows twice say no more than once.
      this.#sequence += 1;
      await putText(this.#store, this.#keyOf(this.#sequence), text, {
        condition: { kind: 'absent' },
        // States of digests hold a few bytes of the data.
        sealed: true,
      });
    } catch (error) {
      this.#waiting = text + this.#waiting;
      throw error;
    }
  }
}
