/**
 * The form in which S3 takes a body whose checksum follows it (S3 user guide, "Signature calculations: including trailing
 * headers (chunked upload)"): `content-encoding: aws-chunked`. Chunks lie on a fixed grid, so the length is known before
 * the first byte; the bytes of one may still be sent as they come. The payload is not signed, which TLS makes up for.
 */
import { crc32Base64 } from './crc32.ts';

/** At least 8 KiB for S3; some servers keep a whole chunk in memory. */
const CHUNK_BYTES = 64 * 1024;
const TRAILER = 'x-amz-checksum-crc32';
const END = (crc32: number) => `0\r\n${TRAILER}:${crc32Base64(crc32)}\r\n\r\n`;
/** No head, tail or end of a chunk is longer. */
const LONGEST_TEXT = END(0).length;

/** `content-length` of the framed body is `chunkedLength(bytes)`. */
export function chunkedHeaders(bytes: number): Record<string, string> {
  return {
    'content-encoding': 'aws-chunked',
    'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'x-amz-decoded-content-length': String(bytes),
    'x-amz-trailer': TRAILER,
  };
}

export function chunkedLength(bytes: number): number {
  const full = Math.floor(bytes / CHUNK_BYTES);
  const rest = bytes % CHUNK_BYTES;
  return full * frameLength(CHUNK_BYTES) + (rest === 0 ? 0 : frameLength(rest)) + END(0).length;
}

function frameLength(bytes: number): number {
  return headOf(bytes).length + bytes + 2;
}

function headOf(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}

/** Copies what is written into framed pieces; `emit` may keep them. */
export class ChunkedEncoder {
  readonly #pieceBytes: number;
  readonly #emit: (piece: Buffer) => void;
  #room: Buffer;
  #filled = 0;
  #left: number;
  #leftOfChunk = 0;

  /** `bytes`: of the whole body; exactly so many must be written. */
  constructor(bytes: number, pieceBytes: number, emit: (piece: Buffer) => void) {
    this.#left = bytes;
    this.#pieceBytes = Math.max(pieceBytes, 2 * LONGEST_TEXT);
    this.#emit = emit;
    this.#room = Buffer.allocUnsafeSlow(this.#pieceBytes);
  }

  write(data: Uint8Array): void {
    for (let taken = 0; taken < data.length; ) {
      if (this.#leftOfChunk === 0) {
        this.#leftOfChunk = Math.min(CHUNK_BYTES, this.#left);
        this.#writeText(headOf(this.#leftOfChunk));
      }
      const bytes = Math.min(data.length - taken, this.#leftOfChunk, this.#room.length - this.#filled);
      this.#room.set(data.subarray(taken, taken + bytes), this.#filled);
      taken += bytes;
      this.#filled += bytes;
      this.#left -= bytes;
      this.#leftOfChunk -= bytes;
      if (this.#filled === this.#room.length) this.flush();
      if (this.#leftOfChunk === 0) this.#writeText('\r\n');
    }
  }

  end(crc32: number): void {
    this.#writeText(END(crc32));
    this.flush();
  }

  /** Hands on what there is, in the middle of a chunk too. */
  flush(): void {
    if (this.#filled === 0) return;
    this.#emit(this.#room.subarray(0, this.#filled));
    const rest = this.#room.subarray(this.#filled);
    this.#room = rest.length < LONGEST_TEXT ? Buffer.allocUnsafeSlow(this.#pieceBytes) : rest;
    this.#filled = 0;
  }

  #writeText(text: string): void {
    if (this.#room.length - this.#filled < text.length) this.flush();
    this.#filled += this.#room.write(text, this.#filled, 'latin1');
    if (this.#filled === this.#room.length) this.flush();
  }
}
