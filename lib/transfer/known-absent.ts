/**
 * Which keys of a shard are known to hold nothing: from a listing, one page of which tells what a thousand looks would.
 * It goes on only as long as it pays. What it tells is trusted for a short time, and for no more than a look that is
 * spared: every commit has its own condition.
 */
import { LISTING_TRUSTED_MS, LOOKS_AT_MOST } from '../contract/limits.ts';
import { compareKeys } from '../store/key-order.ts';
import type { StoredKey } from '../store/object-store.ts';

/** Of S3. */
const PAGE_KEYS = 1_000;
/** Looks that a page has to spare for another one to follow: to read a full one takes the CPU time of 150. */
const MIN_SPARED = 200;

export interface KeyRange {
  /** Of all keys. */
  readonly prefix: string;
  /** The smallest and the largest one. */
  readonly after: string;
  readonly upTo: string;
}

/** What to list; `undefined`: it cannot pay. Pure. */
export function rangeToList(keys: readonly string[]): KeyRange | undefined {
  const [first] = keys;
  if (first === undefined || keys.length <= LOOKS_AT_MOST) return undefined;
  let [after, upTo] = [first, first];
  for (const key of keys) {
    if (compareKeys(key, after) < 0) after = key;
    else if (compareKeys(key, upTo) > 0) upTo = key;
  }
  let shared = 0;
  while (shared < after.length && after[shared] === upTo[shared]) shared += 1;
  const prefix = after.slice(0, shared);
  return { prefix: prefix.isWellFormed() ? prefix : prefix.slice(0, -1), after, upTo };
}

/** Whether another page is worth its price. Pure. */
export function pays({ pages, absent }: { readonly pages: number; readonly absent: number }): boolean {
  return absent >= pages * MIN_SPARED;
}

export interface Listing {
  /** Keys below the prefix, in UTF-8 byte order, from behind `after` on. */
  readonly list: (prefix: string, after: string) => AsyncIterable<Pick<StoredKey, 'key'>>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class KnownAbsent {
  readonly #listing: Listing;
  /** Those that nobody has asked about. */
  readonly #open: Set<string>;
  #listed: Listed | undefined;

  constructor(keys: readonly string[], listing: Listing) {
    this.#listing = listing;
    this.#open = new Set(keys);
    this.#listed = this.#begin();
  }

  /**
   * Nothing stood there a moment ago. False: who wants to know looks. Waits for the first page at most. Never rejects. When
   * the time is over for which a listing is trusted, what is left is listed once more.
   */
  async has(key: string): Promise<boolean> {
    if (this.#listed?.isOver()) {
      this.#listed.end();
      this.#listed = this.#begin();
    }
    this.#open.delete(key);
    return (await this.#listed?.has(key)) ?? false;
  }

  /** No other page is asked for. */
  end(): void {
    this.#listed?.end();
    this.#open.clear();
  }

  #begin(): Listed | undefined {
    const keys = Array.from(this.#open);
    const range = rangeToList(keys);
    return range && new Listed(keys, range, this.#listing);
  }
}

/** One listing and what it tells. */
class Listed {
  readonly #keys: readonly string[];
  readonly #range: KeyRange;
  readonly #listing: Listing;
  readonly #wanted: ReadonlySet<string>;
  /** Of the keys, those that something stands under. */
  readonly #standing = new Set<string>();
  #sorted: readonly string[] | undefined;
  /** So many of them are behind what was listed. */
  #passed = 0;
  /** All keys behind the smallest one up to this are known. */
  #reached: string | undefined;
  #trustedUntil = Number.POSITIVE_INFINITY;
  #firstPage: Promise<void> | undefined;
  #hasEnded = false;

  constructor(keys: readonly string[], range: KeyRange, listing: Listing) {
    this.#keys = keys;
    this.#range = range;
    this.#listing = listing;
    this.#wanted = new Set(keys);
  }

  isOver(): boolean {
    return this.#listing.now() >= this.#trustedUntil;
  }

  async has(key: string): Promise<boolean> {
    if (!this.#wanted.has(key)) return false;
    this.#firstPage ??= this.#begin();
    await this.#firstPage;
    if (this.#reached === undefined || this.isOver()) return false;
    const { after } = this.#range;
    return compareKeys(key, after) > 0 && compareKeys(key, this.#reached) <= 0 && !this.#standing.has(key);
  }

  end(): void {
    this.#hasEnded = true;
  }

  #begin(): Promise<void> {
    this.#trustedUntil = this.#listing.now() + LISTING_TRUSTED_MS;
    return new Promise((resolve) => {
      // A listing that fails, as without s3:ListBucket, tells nothing more; the looks tell why.
      void this.#read(this.#range, resolve)
        .catch(() => undefined)
        .finally(resolve);
    });
  }

  async #read({ prefix, after, upTo }: KeyRange, onPage: () => void): Promise<void> {
    let keys = 0;
    let last = after;
    for await (const { key } of this.#listing.list(prefix, after)) {
      // A server that does not sort tells nothing of what it has left out.
      if (compareKeys(key, last) <= 0) {
        this.#reached = undefined;
        return;
      }
      if (compareKeys(key, upTo) > 0) break;
      last = key;
      if (this.#wanted.has(key)) this.#standing.add(key);
      keys += 1;
      if (keys % PAGE_KEYS !== 0) continue;
      this.#reached = last;
      onPage();
      if (this.#hasEnded || !pays({ pages: keys / PAGE_KEYS, absent: this.#countAbsent(last) })) return;
    }
    this.#reached = upTo;
  }

  #countAbsent(reached: string): number {
    this.#sorted ??= this.#keys.toSorted(compareKeys);
    while (this.#passed < this.#sorted.length && compareKeys(this.#sorted[this.#passed] ?? '', reached) <= 0) {
      this.#passed += 1;
    }
    return this.#passed - this.#standing.size;
  }
}
