import { once } from 'node:events';
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { MAX_LINE_BYTES, MiB } from '../contract/limits.ts';

/**
 * A packed list as its text, in bounded memory: gzip (RFC 1952) and zstd (RFC 8878), several members or frames in a row
 * too. What is cut off, damaged or makes too much of too little is refused with the byte that was reached, and so is
 * anything behind the packed data but the zeros that tapes leave there.
 */
export type Packing = 'gzip' | 'zstd';

/** What is wrong with packed data. Not for users: who reads the list adds how far it came. */
export class PackedDataError extends Error {
  override readonly name = 'PackedDataError';
}

export interface UnpackLimits {
  /** Lines that are items; the text may hold as many of the longest lines, and not more. */
  readonly maxItems?: number | undefined;
}

/** How a list is packed, by its first four bytes; its name may lie. */
export function packingOf(head: Uint8Array): Packing | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const magic = head.length < 4 ? 0 : Buffer.from(head.subarray(0, 4)).readUInt32LE();
  // A frame, or one to be skipped in front of it.
  return magic === 0xfd2f_b528 || (magic & 0xffff_fff0) >>> 0 === 0x184d_2a50 ? 'zstd' : undefined;
}

/** Text of URLs packs to a tenth or a hundredth; deflate cannot do better than 1 : 1,032, zstd can. */
const MAX_RATIO = 1_000;
/** A small list of one repeated line is no bomb. */
const FREE_BYTES = 8 * MiB;
/** What one call gives to a decoder. */
const PIECE_BYTES = 64 * 1024;
const NOTHING = new Uint8Array();

type Decoder = Gunzip | ZstdDecompress;

/** Does not close `bytes`. @throws PackedDataError, and what `bytes` throws */
export async function* unpackList(
  bytes: AsyncIterator<Uint8Array>,
  packing: Packing,
  { maxItems = Number.POSITIVE_INFINITY }: UnpackLimits = {},
): AsyncGenerator<Uint8Array> {
  const pieces = new Pieces(bytes);
  let bytesOut = 0;
  for (let isFirst = true; isFirst || !(await pieces.isEnd()); isFirst = false) {
    if (!isFirst && packing === 'gzip') return await pieces.requireZeros();
    const decoder = packing === 'gzip' ? createGunzip() : createZstdDecompress();
    for await (const chunk of decode(decoder, pieces, packing)) {
      bytesOut += chunk.length;
      checkSize(bytesOut, pieces.bytesIn, maxItems);
      yield chunk;
    }
  }
}

/** A decoder that comes to its end before the input does leaves the rest in `pieces`. */
async function* decode(decoder: Decoder, pieces: Pieces, packing: Packing): AsyncGenerator<Uint8Array> {
  const fed = feed(decoder, pieces).catch((error: Error) => void decoder.destroy(error));
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
  } catch (error) {
    throw isOfCodec(error) ? damaged(error, packing, pieces.bytesIn) : error;
  } finally {
    decoder.destroy();
    await fed;
  }
}

async function feed(decoder: Decoder, pieces: Pieces): Promise<void> {
  const closed = once(decoder, 'close').catch(() => undefined);
  for (;;) {
    const piece = await pieces.next();
    if (decoder.destroyed) return;
    if (!piece) {
      decoder.end();
      return;
    }
    const before = decoder.bytesWritten;
    await Promise.race([closed, new Promise<void>((resolve) => decoder.write(piece, () => resolve()))]);
    const rest = piece.subarray(decoder.bytesWritten - before);
    if (rest.length > 0) {
      pieces.putBack(rest);
      return;
    }
  }
}

/** The input in pieces that are ours: a chunk is its sender's again once the next one is asked for. */
class Pieces {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = NOTHING;
  bytesIn = 0;

  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (await this.isEnd()) return undefined;
    const piece = this.#rest.subarray(0, PIECE_BYTES);
    this.#rest = this.#rest.subarray(piece.length);
    this.bytesIn += piece.length;
    return piece;
  }

  putBack(rest: Uint8Array): void {
    this.#rest = Buffer.concat([rest, this.#rest]);
    this.bytesIn -= rest.length;
  }

  async isEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return true;
      this.#rest = Uint8Array.from(next.value);
    }
    return false;
  }

  async requireZeros(): Promise<void> {
    for (let piece = await this.next(); piece; piece = await this.next()) {
      if (piece.some((byte) => byte !== 0)) throw foreign('gzip', this.bytesIn - piece.length);
    }
  }
}

function checkSize(bytesOut: number, bytesIn: number, maxItems: number): void {
  if (bytesOut > maxItems * MAX_LINE_BYTES) {
    throw new PackedDataError(`holds more than ${maxItems} lines (maxItems) of 64 KiB`);
  }
  if (bytesOut <= FREE_BYTES + bytesIn * MAX_RATIO) return;
  throw new PackedDataError(
    `unpacks to more than ${MAX_RATIO} times its size: byte ${bytesIn} made ${bytesOut} bytes of text so far`,
  );
}

function damaged(error: NodeJS.ErrnoException, packing: Packing, byte: number): PackedDataError {
  if (error.code === 'Z_BUF_ERROR') return new PackedDataError(`is ${packing} data that is cut off at byte ${byte}`);
  if (error.code === 'ZSTD_error_frameParameter_windowTooLarge') {
    return new PackedDataError(
      'is zstd data that takes more than 128 MiB to unpack (zstd --long); pack it without that',
    );
  }
  const message = `is damaged ${packing} data, or has something else behind its packed data, at about byte ${byte}`;
  return new PackedDataError(message, { cause: error });
}

function foreign(packing: Packing, byte: number): PackedDataError {
  return new PackedDataError(`has something else behind its ${packing} data, at about byte ${byte}`);
}

function isOfCodec(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && /^(Z_|ZSTD_)/.test(String(error.code));
}
