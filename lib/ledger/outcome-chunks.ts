import type { OutcomeRow } from '../contract/ledger-row.ts';
import { ledgerRow } from '../contract/ledger-row.ts';
import { MiB } from '../contract/limits.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { encodeLine, getLines, putText } from './json-lines.ts';
import { chunkOf, chunkOfOutcomesKey, runKeys } from './run-keys.ts';

const MAX_WAITING_CHARACTERS = 32 * MiB;

/**
 * Outcomes of a round, sorted into the chunks of the list, so that the report can be written in the order of the list
 * with one chunk in memory at a time. Writing a status again writes the same objects again.
 */
export class OutcomeChunks {
  readonly #store: ObjectStore;
  readonly #run: string;
  readonly #round: number;
  readonly #waiting = new Map<number, string>();
  #characters = 0;
  #sequence = 0;

  constructor(store: ObjectStore, run: string, round: number) {
    this.#store = store;
    this.#run = run;
    this.#round = round;
  }

  async add(row: OutcomeRow): Promise<void> {
    const chunk = chunkOf(row.index);
    const line = encodeLine(row);
    this.#waiting.set(chunk, (this.#waiting.get(chunk) ?? '') + line);
    this.#characters += line.length;
    if (this.#characters >= MAX_WAITING_CHARACTERS) await this.flush();
  }

  async flush(): Promise<void> {
    for (const [chunk, text] of this.#waiting) {
      const key = runKeys(this.#run).outcomes(this.#round, chunk, this.#sequence);
      await putText(this.#store, key, text, { condition: { kind: 'any' } });
    }
    this.#waiting.clear();
    this.#characters = 0;
    this.#sequence += 1;
  }
}

/** Which objects hold outcomes of which chunk, over the rounds 0 to `lastRound`. */
export async function outcomeKeysByChunk(store: ObjectStore, run: string, lastRound: number) {
  const keys = new Map<number, string[]>();
  for (let round = 0; round <= lastRound; round += 1) {
    for await (const { key } of store.list(runKeys(run).outcomesPrefix(round))) {
      const chunk = chunkOfOutcomesKey(key);
      keys.set(chunk, [...(keys.get(chunk) ?? []), key]);
    }
  }
  return keys;
}

/** The outcomes of one chunk by index; where two rounds speak of one item, the earlier one stands. */
export async function readOutcomes(store: ObjectStore, keys: readonly string[]): Promise<Map<number, OutcomeRow>> {
  const outcomes = new Map<number, OutcomeRow>();
  for (const key of keys) {
    for await (const line of getLines(store, key)) {
      const row = ledgerRow.parse(line);
      if (row.row === 'outcome' && !outcomes.has(row.index)) outcomes.set(row.index, row);
    }
  }
  return outcomes;
}
