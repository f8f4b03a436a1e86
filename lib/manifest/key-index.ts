import type { Item } from '../contract/item.ts';
import { type Problem, problem, shownValue } from '../contract/problem.ts';
import { type Fingerprint, fingerprint, HashTable } from './hash-table.ts';
import { foldCase } from './object-key.ts';
import { OtherForms } from './other-forms.ts';

/**
 * Whose key it is, over a whole list. The first line gets it; a later one that asks for the same is a duplicate, one that
 * asks for anything else a problem that names both lines. Keys that differ in their Unicode form only are the same key
 * (macOS, and people, see no difference). Holds about 30 bytes a key, no texts.
 */
export type KeyClaim =
  | { readonly kind: 'first' }
  | { readonly kind: 'duplicate'; readonly of: number }
  | { readonly kind: 'conflict'; readonly with: number; readonly problem: Problem };

export interface KeyIndexOptions {
  /**
   * The destination is a directory: then a key cannot be another one's folder (`a` and `a/b`). Costs as much memory again
   * as there are folders.
   */
  readonly directories?: boolean;
  /** The destination takes upper and lower case for the same. */
  readonly ignoresCase?: boolean;
}

export class KeyIndex {
  readonly #keys = new HashTable();
  readonly #folders: HashTable | undefined;
  readonly #forms = new OtherForms();
  readonly #ignoresCase: boolean;

  constructor(options: KeyIndexOptions = {}) {
    this.#ignoresCase = options.ignoresCase === true;
    this.#folders = options.directories === true ? new HashTable() : undefined;
  }

  get ofDirectory(): boolean {
    return this.#folders !== undefined;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** What the tables hold. */
  get bytes(): number {
    return this.#keys.bytes + (this.#folders?.bytes ?? 0) + this.#forms.bytes;
  }

  /** Forgets all keys. */
  release(): void {
    this.#keys.release();
    this.#folders?.release();
    this.#forms.release();
  }

  /**
   * A key that is not known before the source has answered: only who asks for the same is told apart here.
   *
   * @param key with a place for the name
   */
  claimUnnamed(line: number, key: string, item: Item): KeyClaim {
    const claim = this.#claim(line, `${key}\u0001${requestPrint(item).join()}`, item);
    const other = claim.kind === 'first' ? this.#forms.addUnnamed(line, key) : undefined;
    return other === undefined ? claim : mayMeet(other, line, other);
  }

  claim(line: number, key: string, item: Item): KeyClaim {
    const claim = this.#claim(line, key, item);
    const other = claim.kind === 'first' ? this.#forms.add(line, key) : undefined;
    return other === undefined ? claim : mayMeet(line, other, other);
  }

  #claim(line: number, key: string, item: Item): KeyClaim {
    const form = key.normalize('NFC');
    const name = this.#ignoresCase ? foldCase(form) : form;
    const print = requestPrint(item);
    const place = fingerprint(name);
    const there = this.#keys.get(place);
    if (there) {
      const isSame = there.print[0] === print[0] && there.print[1] === print[1];
      if (isSame) return { kind: 'duplicate', of: there.line };
      return conflict(key, line, there.line, this.#ignoresCase ? `${ELSE}; ${NO_CASE}` : ELSE);
    }
    const blocked = this.#folderLine(name, place);
    if (blocked) return conflict(key, line, blocked, 'one would be the folder of the other');

    this.#keys.add(place, { line, print });
    if (this.#folders) for (const folder of foldersOf(name)) this.#folders.add(fingerprint(folder), { line, print });
    return { kind: 'first' };
  }

  #folderLine(name: string, place: Fingerprint): number | undefined {
    if (!this.#folders) return undefined;
    const inside = this.#folders.get(place);
    if (inside) return inside.line;
    for (const folder of foldersOf(name)) {
      const file = this.#keys.get(fingerprint(folder));
      if (file) return file.line;
    }
    return undefined;
  }
}

const ELSE =
  'they ask for different things; give each a `key` of its own, or a template (--key) that tells them apart, with {line} or {item}';

const NO_CASE = 'upper and lower case are the same at this destination';

function* foldersOf(key: string): Generator<string> {
  for (let at = key.indexOf('/'); at !== -1; at = key.indexOf('/', at + 1)) yield key.slice(0, at);
}

function conflict(key: string, line: number, other: number, why: string): KeyClaim {
  const who = other === line ? `two items of line ${line}` : `lines ${other} and ${line}`;
  const text = `${who} meet at the key ${shownValue(['key'], key)}: ${why}`;
  return { kind: 'conflict', with: other, problem: problem('key', 'a key of its own', text, 'KeyConflict') };
}

/** A key in another Unicode form, and an item whose name becomes NFC when its source says it. */
function mayMeet(formed: number, unnamed: number, other: number): KeyClaim {
  const text = `what the source of line ${unnamed} calls it may be the key of line ${formed}, in another Unicode form; write that key in NFC`;
  return { kind: 'conflict', with: other, problem: problem('key', 'a key in NFC', text, 'KeyConflict') };
}

/** Everything that may change the object or its verdict. Its name in the report does not. */
export function requestPrint(item: Item): Fingerprint {
  const { id: _id, key: _key, error: _error, ...asked } = item;
  // A plain URL, as most are, needs no order.
  const isPlain = Object.keys(asked).length === 1;
  return fingerprint(JSON.stringify(isPlain ? { url: asked.url } : sorted(asked)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, content]) => content !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, content]) => [name, sorted(content)]),
  );
}
