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

export interface ChunkedOutput {
  /** Memory of at least 128 bytes, for as long as it takes. */
  allocate(): Buffer;
  /** The next bytes. `usedUp` is the memory they end in, when nothing more will be written into it. */
  emit(bytes: Buffer, usedUp: Buffer | undefined): void;
}

/** Copies what is written, framed, into memory that is filled as far as it goes. */
export class ChunkedEncoder {
  readonly #output: ChunkedOutput;
  #memory: Buffer;
  #emitted = 0;
  #filled = 0;
  #left: number;
  #leftOfChunk = 0;

  /** `bytes`: of the whole body; exactly so many must be written. */
  constructor(bytes: number, output: ChunkedOutput) {
    this.#left = bytes;
    this.#output = output;
    this.#memory = output.allocate();
  }

  write(data: Uint8Array): void {
    for (let taken = 0; taken < data.length; ) {
      if (this.#leftOfChunk === 0) {
        this.#leftOfChunk = Math.min(CHUNK_BYTES, this.#left);
        this.#writeText(headOf(this.#leftOfChunk));
      }
      if (this.#room === 0) this.#renew();
      const bytes = Math.min(data.length - taken, this.#leftOfChunk, this.#room);
      this.#memory.set(data.subarray(taken, taken + bytes), this.#filled);
      taken += bytes;
      this.#filled += bytes;
      this.#left -= bytes;
      this.#leftOfChunk -= bytes;
      if (this.#leftOfChunk === 0) this.#writeText('\r\n');
    }
  }

  end(crc32: number): void {
    this.#writeText(END(crc32));
    this.#output.emit(this.#takeFilled(), this.#memory);
  }

  /** Hands on what there is, in the middle of a chunk too. */
  flush(): void {
    if (this.#filled > this.#emitted) this.#output.emit(this.#takeFilled(), undefined);
  }

  get #room(): number {
    return this.#memory.length - this.#filled;
  }

  #writeText(text: string): void {
    if (this.#room < text.length) this.#renew();
    this.#filled += this.#memory.write(text, this.#filled, 'latin1');
  }

  #renew(): void {
    this.#output.emit(this.#takeFilled(), this.#memory);
    this.#memory = this.#output.allocate();
    this.#emitted = 0;
    this.#filled = 0;
  }

  #takeFilled(): Buffer {
    const bytes = this.#memory.subarray(this.#emitted, this.#filled);
    this.#emitted = this.#filled;
    return bytes;
  }
}
