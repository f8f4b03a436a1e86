import type { Options } from '../contract/options.ts';
import { combineCrc32, combineCrc32c } from '../store/crc32.ts';
import type { StoredObject } from '../store/object-store.ts';
import type { Part } from './generation.ts';
import { type ItemMark, isOfItem, META } from './overwrite-policy.ts';

export interface Size {
  readonly bytes: number;
  readonly crc32: number;
}

/** What is decided about a commit from what stands at the target and what all bytes of the object sum up to: pure. */
export interface Sums extends Size {
  readonly crc32c: number | undefined;
}

/** Of parts in the order of their numbers, none missing. */
export function sumsOfParts(parts: readonly Part[]): Sums {
  let sums: Sums = { bytes: 0, crc32: 0, crc32c: 0 };
  for (const { bytes, crc32, crc32c } of parts) {
    sums = {
      bytes: sums.bytes + bytes,
      crc32: combineCrc32(sums.crc32, crc32, bytes),
      crc32c: sums.crc32c === undefined || crc32c === undefined ? undefined : combineCrc32c(sums.crc32c, crc32c, bytes),
    };
  }
  return sums;
}

/** The outcome of an item whose bytes came and were there already. */
export const SAME_CONTENT = { outcome: 'skipped', reason: 'unchanged', message: 'same length and CRC-32' } as const;

/** `existing` is what stood there before the bytes were fetched; `fields` is the mark of what is stored beside them. */
export function beforeCommit(
  overwrite: Options['overwrite'],
  existing: StoredObject | undefined,
  sums: Size,
  fields?: string,
): 'commit' | 'unchanged' {
  return overwrite === 'if-changed' && standsAlready(existing, sums, fields) ? 'unchanged' : 'commit';
}

/** The same bytes, and the same beside them. */
export function standsAlready(existing: StoredObject | undefined, sums: Size, fields: string | undefined): boolean {
  return holdsSame(existing, sums) && existing?.metadata[META.fields] === fields;
}

/**
 * Who lost the race for the key has still done its work when the winner wrote the same bytes (`same`), and also when it
 * is another attempt on the same item (`ours`): that one read another version, and its object is as good as ours.
 */
export function afterConflict(
  winner: StoredObject | undefined,
  sums: Sums,
  mark: ItemMark,
): 'same' | 'ours' | 'foreign' {
  // Named by their sources, two items may meet: the same bytes do not make them one.
  if (mark.item === undefined && holdsSame(winner, sums)) return 'same';
  return winner && isOfItem(winner, mark) ? 'ours' : 'foreign';
}

/** Without reading it: by length and CRC32. */
function holdsSame(object: StoredObject | undefined, { bytes, crc32 }: Size): boolean {
  return object !== undefined && object.crc32 === crc32 && object.bytes === bytes;
}
