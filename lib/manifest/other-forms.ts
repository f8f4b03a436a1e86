import { fingerprint, HashTable } from './hash-table.ts';
import { FILENAME } from './object-key.ts';

/**
 * Keys that are not in Unicode form NFC, beside items that are called what their sources say, which always becomes NFC:
 * the same name in two forms would be two objects that look alike, or one where a file system makes no difference. Only
 * the folder of such a name is known beforehand, so whoever stands in the same one may meet.
 */
export class OtherForms {
  /** Folders of either kind → the first line that has something there. */
  readonly #formed = new HashTable();
  readonly #unnamed = new HashTable();

  get bytes(): number {
    return this.#formed.bytes + this.#unnamed.bytes;
  }

  release(): void {
    this.#formed.release();
    this.#unnamed.release();
  }

  /** @returns the line of an item without a name that may meet the key */
  add(line: number, key: string): number | undefined {
    const name = key.normalize('NFC');
    if (name === key) return undefined;
    const places = foldersAbove(name).map((folder) => placeOf(name, folder));
    for (const place of places) this.#formed.add(place, { line, print: place });
    return places.map((place) => this.#unnamed.get(place)?.line).find((met) => met !== undefined);
  }

  /** @returns the line of a key that it may meet */
  addUnnamed(line: number, key: string): number | undefined {
    const name = key.normalize('NFC');
    const place = placeOf(name, name.slice(0, name.lastIndexOf('/', name.indexOf(FILENAME)) + 1));
    this.#unnamed.add(place, { line, print: place });
    return this.#formed.get(place)?.line;
  }
}

/** Each with its `/`, the root first. */
function foldersAbove(key: string): string[] {
  return [0, ...Array.from(key.matchAll(/\//g), ({ index }) => index + 1)].map((end) => key.slice(0, end));
}

/** A folder, and how deep the whole key is: where a name without `/` can stand. */
function placeOf(key: string, folder: string) {
  return fingerprint(`${folder}\u0001${key.split('/').length}`);
}
