import type { Item } from '../contract/item.ts';
import { HashTable } from './hash-table.ts';
import { requestPrint } from './key-index.ts';

/** Which item of a list was the first to ask for the same, whatever its key. Holds about 30 bytes a request, no texts. */
export class RequestIndex {
  readonly #requests = new HashTable();

  /** Forgets all requests. */
  release(): void {
    this.#requests.release();
  }

  /** @returns position of the first one; undefined: it is this one */
  firstOf(index: number, item: Item): number | undefined {
    const print = requestPrint(item);
    const there = this.#requests.get(print);
    // 0 is no line of the table's.
    if (there) return there.line - 1;
    this.#requests.add(print, { line: index + 1, print });
    return undefined;
  }
}
