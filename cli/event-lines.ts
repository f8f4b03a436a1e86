import type { ShownEvent } from './shown-event.ts';

/**
 * Events as NDJSON. Lines go out in blocks, because a write for each of millions of tiny items would cost more than the
 * items; `item.progress` is thinned to one a second for each item.
 */
const BLOCK_CHARACTERS = 16 * 1024;
const PROGRESS_MS = 1_000;

export class EventLines {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #shownAt = new Map<number, number>();
  #block = '';

  constructor(write: (text: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  add(event: ShownEvent): void {
    if (event.event === 'item.progress' && !this.#isDue(event.index ?? event.line)) return;
    if (event.event === 'item.ended') this.#shownAt.delete(event.index ?? event.outcome.line);
    this.addLine(event);
  }

  addLine(value: object): void {
    this.#block += `${JSON.stringify(value)}\n`;
    if (this.#block.length >= BLOCK_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.#block === '') return;
    this.#write(this.#block);
    this.#block = '';
  }

  #isDue(place: number): boolean {
    const now = this.#now();
    if (now - (this.#shownAt.get(place) ?? Number.NEGATIVE_INFINITY) < PROGRESS_MS) return false;
    this.#shownAt.set(place, now);
    return true;
  }
}
