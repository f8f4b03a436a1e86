/**
 * The digests that an item's bytes must have, and the proof that they have them. Nothing is computed that nobody asked
 * for. CRC-32 and CRC-32C are combined from those of the parts, by whoever sends the parts; SHA-256 and MD5 need the
 * bytes in order, so their state travels with the item (FAULTS H68: nothing is committed before `verify` returns).
 */
import { createCRC32 } from 'hash-wasm';
import { z } from 'zod';
import { isOrdered, type WantedDigest } from '../contract/checkpoint.ts';
import type { Item } from '../contract/item.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { AnnouncedDigests } from '../source/source.ts';
import { crc32Hex } from '../store/crc32.ts';
import { nativeHash, type OrderedAlgorithm, type RunningHash, travellingHash } from './running-hash.ts';

/** Castagnoli, reflected (RFC 3720 12.1). */
const CRC32C_POLYNOMIAL = 0x82f63b78;

const ALGORITHMS = ['sha256', 'md5', 'crc32c', 'crc32'] as const;
type Algorithm = WantedDigest['algorithm'];

/** Every one of them must hold. Two of one algorithm that differ can never both hold: then no object comes of it. */
export type WantedDigests = readonly WantedDigest[];

/**
 * What the list declares, then what the source announces. An announced SHA-256 or MD5 is left out where the source
 * announces a CRC as well (GCS sends MD5 and CRC-32C, S3 any of them): the CRC finds every accident that they would find,
 * and the file can still be split over many workers. Not where the list declares the same algorithm: then it costs
 * nothing, and a list and a source that speak of different files must not pass.
 */
export function wantedDigests(item: Item, announced: AnnouncedDigests): WantedDigests {
  const declared = listed(item, 'list');
  const found = listed(announced, 'source');
  const hasCrc = found.some(({ algorithm }) => !isOrdered(algorithm));
  const further = found.filter(({ algorithm, hex }) => {
    const same = declared.find((digest) => digest.algorithm === algorithm);
    return same ? same.hex !== hex : !(hasCrc && isOrdered(algorithm));
  });
  return [...declared, ...further];
}

function listed(digests: AnnouncedDigests, by: WantedDigest['by']): WantedDigest[] {
  return ALGORITHMS.flatMap((algorithm) => {
    const hex = digests[algorithm];
    return hex === undefined ? [] : [{ algorithm, hex, by }];
  });
}

/** CRC-32C of a part; `combineCrc32c` makes the whole of them. Several times faster than MD5. */
export async function createCrc32c(): Promise<Crc32c> {
  const crc = (await createCRC32(CRC32C_POLYNOMIAL)).init();
  return {
    update(chunk) {
      crc.update(chunk);
    },
    digest: () => Buffer.from(crc.digest('binary')).readUInt32BE(),
    reset() {
      crc.init();
    },
  };
}

export interface Crc32c {
  update(chunk: Uint8Array): void;
  /** Of everything since the last `reset`, which must follow before the next part. */
  digest(): number;
  reset(): void;
}

const savedState = z.strictObject({
  version: z.literal(1),
  bytes: z.int().min(0),
  sha256: z.string().optional(),
  md5: z.string().optional(),
});

/** The ordered digests of one item, from its byte 0 up to where it is now. */
export class Digests {
  readonly #wanted: WantedDigests;
  readonly #hashes: ReadonlyMap<OrderedAlgorithm, RunningHash>;
  #bytes: number;

  /**
   * From byte 0, or, with what `save` gave, from where that stood. `undefined`: those bytes do not help (text that is
   * none of ours, another version, other algorithms than are wanted now), and the item is to be read from byte 0.
   */
  static of(wanted: WantedDigests, options: { canBeSaved: boolean; saved?: undefined }): Promise<Digests>;
  static of(
    wanted: WantedDigests,
    options: { canBeSaved: boolean; saved?: string | undefined },
  ): Promise<Digests | undefined>;
  static async of(
    wanted: WantedDigests,
    { canBeSaved, saved }: { canBeSaved: boolean; saved?: string | undefined },
  ): Promise<Digests | undefined> {
    const state = saved === undefined ? undefined : parseState(saved);
    if (saved !== undefined && state === undefined) return undefined;
    const algorithms = new Set(wanted.map(({ algorithm }) => algorithm).filter(isOrdered));
    if (state && (['sha256', 'md5'] as const).some((name) => algorithms.has(name) !== (state[name] !== undefined))) {
      return undefined;
    }
    const hashes = new Map<OrderedAlgorithm, RunningHash>();
    for (const algorithm of algorithms) {
      const travels = canBeSaved || state !== undefined;
      const hash = travels ? await travellingHash(algorithm, state?.[algorithm]) : nativeHash(algorithm);
      if (!hash) return undefined;
      hashes.set(algorithm, hash);
    }
    return new Digests(wanted, hashes, state?.bytes ?? 0);
  }

  private constructor(wanted: WantedDigests, hashes: ReadonlyMap<OrderedAlgorithm, RunningHash>, bytes: number) {
    this.#wanted = wanted;
    this.#hashes = hashes;
    this.#bytes = bytes;
  }

  /** Bytes that it covers, from byte 0. */
  get bytes(): number {
    return this.#bytes;
  }

  update(chunk: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(chunk);
    this.#bytes += chunk.length;
  }

  /** At most 500 characters, for `of` in another invocation; this one goes on. Only with `canBeSaved`. */
  save(): string {
    const states = Array.from(this.#hashes, ([algorithm, hash]) => [algorithm, hash.save()]);
    return JSON.stringify({ version: 1, bytes: this.#bytes, ...Object.fromEntries(states) });
  }

  /**
   * At the end of the bytes, once. `others` are the CRCs of the whole, combined from those of the parts. Throws
   * DigestMismatch. `isProven`: there was something to compare with.
   */
  verify(others: { readonly crc32?: number | undefined; readonly crc32c?: number | undefined }): Verified {
    const found = new Map<Algorithm, string>();
    for (const [algorithm, hash] of this.#hashes) found.set(algorithm, hash.digest());
    for (const name of ['crc32', 'crc32c'] as const) {
      const crc = others[name];
      if (crc !== undefined) found.set(name, crc32Hex(crc));
    }
    for (const wanted of this.#wanted) compare(wanted, found.get(wanted.algorithm));
    return { sha256: found.get('sha256'), isProven: this.#wanted.length > 0 };
  }
}

export interface Verified {
  /** Hexadecimal, where it was taken. */
  readonly sha256: string | undefined;
  readonly isProven: boolean;
}

function compare({ algorithm, hex, by }: WantedDigest, found: string | undefined): void {
  // Not taken is not the same as not wanted: nothing may pass because a sum was forgotten.
  if (found === undefined) throw new SkyhaulError('Unexpected', `nobody took the ${algorithm} that the ${by} names`);
  if (hex === found) return;
  const whose = by === 'list' ? 'declared by the list' : 'announced by the source';
  throw new SkyhaulError('DigestMismatch', `Wanted: ${algorithm} ${hex} (${whose})\nFound:  ${algorithm} ${found}`);
}

function parseState(saved: string): z.infer<typeof savedState> | undefined {
  try {
    return savedState.safeParse(JSON.parse(saved)).data;
  } catch {
    return undefined;
  }
}
