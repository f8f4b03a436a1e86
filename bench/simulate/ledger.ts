import { type Bill, emptyBill } from './prices.ts';

export const NONE = 0;
export const STORED = 1;
export const FAILED = 2;

/** What became of every line, and what it cost. An item that ends twice, or never, is a bug of the simulation. */
export class Ledger {
  readonly outcomes: Uint8Array;
  readonly bill: Bill = emptyBill();
  /** Of Transfer alone, billed. */
  workerMs = 0;
  stored = 0;
  failed = 0;
  /** When the item ended that makes 95 % of the list, and the last one. */
  mostAt = 0;
  lastAt = 0;
  readonly #most: number;

  constructor(items: number) {
    this.outcomes = new Uint8Array(items);
    this.#most = Math.ceil(items * 0.95);
  }

  end(item: number, outcome: typeof STORED | typeof FAILED, now: number): void {
    if (this.outcomes[item] !== NONE) throw new Error(`item ${item} ends twice`);
    this.outcomes[item] = outcome;
    if (outcome === STORED) this.stored += 1;
    else this.failed += 1;
    if (this.ended === this.#most) this.mostAt = now;
    this.lastAt = Math.max(this.lastAt, now);
  }

  get ended(): number {
    return this.stored + this.failed;
  }

  /** A worker of so much memory was billed. */
  work(ms: number, memoryMegabytes: number): void {
    this.workerMs += ms;
    this.bill.gigabyteSeconds += (ms / 1_000) * (memoryMegabytes / 1_024);
  }
}
