import { createHash, type Hash } from 'node:crypto';
import { createCRC32, type IHasher } from 'hash-wasm';
import type { Item } from '../contract/item.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** Castagnoli, reflected (RFC 3720 12.1). */
const CRC32C_POLYNOMIAL = 0x82f63b78;

/** The digests that an item declares, taken of the bytes as they pass. Nothing is computed that nobody asked for. */
export class Digests {
  readonly #item: Item;
  readonly #sha256: Hash | undefined;
  readonly #md5: Hash | undefined;
  readonly #crc32c: IHasher | undefined;

  static async of(item: Item): Promise<Digests> {
    return new Digests(item, item.crc32c === undefined ? undefined : await createCRC32(CRC32C_POLYNOMIAL));
  }

  private constructor(item: Item, crc32c: IHasher | undefined) {
    this.#item = item;
    this.#sha256 = item.sha256 === undefined ? undefined : createHash('sha256');
    this.#md5 = item.md5 === undefined ? undefined : createHash('md5');
    this.#crc32c = crc32c?.init();
  }

  update(chunk: Uint8Array): void {
    this.#sha256?.update(chunk);
    this.#md5?.update(chunk);
    this.#crc32c?.update(chunk);
  }

  /** Compares with what was declared. Throws DigestMismatch. */
  verify(): { readonly sha256: string | undefined; readonly isProven: boolean } {
    const sha256 = this.#sha256?.digest('hex');
    compare('sha256', this.#item.sha256, sha256);
    compare('md5', this.#item.md5, this.#md5?.digest('hex'));
    compare('crc32c', this.#item.crc32c, this.#crc32c?.digest('hex'));
    return { sha256, isProven: [this.#sha256, this.#md5, this.#crc32c].some((digest) => digest !== undefined) };
  }
}

function compare(name: string, wanted: string | undefined, found: string | undefined): void {
  if (wanted === undefined || wanted === found) return;
  throw new SkyhaulError('DigestMismatch', `Wanted: ${name} ${wanted}\nFound:  ${name} ${found}`);
}
