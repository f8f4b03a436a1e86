import { crc32 } from 'node:zlib';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { combineCrc32 } from '../store/crc32.ts';
import type { Commit, ObjectOptions, ObjectStore, StoredObject, StoredPart, Upload } from '../store/object-store.ts';
import type { BufferPool } from './buffer-pool.ts';

/** Parts of one object on their way at once; more would only take buffers from other lanes. */
const MAX_IN_FLIGHT = 3;

export interface PartWriterOptions {
  readonly store: ObjectStore;
  readonly key: string;
  readonly object: ObjectOptions;
  readonly partBytes: number;
  readonly pool: BufferPool;
  readonly signal: AbortSignal;
}

/**
 * Bytes in, one object out: whole parts from pooled buffers, their CRC32 taken as they come. What fits into one part goes
 * as one PutObject. Nothing is visible before `commit`; after `abort` nothing is left, and neither returns before every
 * request of this writer has ended.
 */
export class PartWriter {
  readonly #options: PartWriterOptions;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #parts: StoredPart[] = [];
  /** Aborted by the first part that fails, so that nobody waits for a buffer in vain. */
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  #upload: Upload | undefined;
  #buffer: Buffer | undefined;
  #filled = 0;
  #bufferCrc = 0;
  #number = 0;
  #sentBytes = 0;
  #sentCrc = 0;

  constructor(options: PartWriterOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#failed.signal]);
  }

  get bytes(): number {
    return this.#sentBytes + this.#filled;
  }

  /** CRC32 of everything written so far. */
  get crc32(): number {
    return this.#sentBytes === 0 ? this.#bufferCrc : combineCrc32(this.#sentCrc, this.#bufferCrc, this.#filled);
  }

  /** Copies the chunk; resolves when there was room for it. */
  async write(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      this.#signal.throwIfAborted();
      // A full buffer is kept until more comes: it may be the last one, and the only one.
      if (this.#buffer && this.#filled === this.#buffer.length) await this.#send();
      this.#buffer ??= await this.#options.pool.take(this.#options.partBytes, this.#signal);
      const taken = rest.subarray(0, this.#buffer.length - this.#filled);
      this.#bufferCrc = crc32(taken, this.#bufferCrc);
      this.#buffer.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
    }
  }

  /** The one act that makes the object visible. Throws what the store throws; then `abort` is still to be called. */
  async commit(condition: Commit['condition']): Promise<StoredObject> {
    const commit: Commit = { bytes: this.bytes, crc32: this.crc32, condition };
    const { store, key, object } = this.#options;
    if (!this.#upload) {
      this.#signal.throwIfAborted();
      const bytes = this.#buffer?.subarray(0, this.#filled) ?? new Uint8Array();
      const stored = await store.put(key, bytes, { ...object, condition, crc32: commit.crc32 });
      this.#giveBack();
      return stored;
    }
    await this.#send();
    await Promise.all(this.#inFlight);
    this.#signal.throwIfAborted();
    const parts = this.#parts.toSorted((a, b) => a.number - b.number);
    return store.completeUpload(this.#upload, parts, commit);
  }

  /** Resolves when every request has ended and the store holds no part any more. */
  async abort(): Promise<void> {
    this.#failed.abort(new SkyhaulError('Interrupted', 'the upload is given up'));
    await Promise.allSettled(this.#inFlight);
    this.#giveBack();
    if (this.#upload) await this.#options.store.abortUpload(this.#upload);
  }

  async #send(): Promise<void> {
    const { store, key, object, pool } = this.#options;
    const buffer = this.#buffer;
    if (!buffer) return;
    if (this.#number === store.limits.maxParts) {
      throw new SkyhaulError('TooLarge', `without a known length at most ${this.#sentBytes} bytes fit into one object`);
    }
    while (this.#inFlight.size >= MAX_IN_FLIGHT) await Promise.race(this.#inFlight);
    this.#signal.throwIfAborted();
    this.#upload ??= await store.createUpload(key, object);
    this.#number += 1;
    const sending = this.#sendPart(this.#upload, this.#number, buffer.subarray(0, this.#filled), this.#bufferCrc)
      .catch((error: unknown) => this.#failed.abort(error))
      .finally(() => {
        pool.give(buffer);
        this.#inFlight.delete(sending);
      });
    this.#inFlight.add(sending);
    this.#sentCrc = this.crc32;
    this.#sentBytes += this.#filled;
    this.#forgetBuffer();
  }

  async #sendPart(upload: Upload, number: number, bytes: Uint8Array, partCrc: number): Promise<void> {
    this.#parts.push(await this.#options.store.uploadPart(upload, number, bytes, partCrc));
  }

  #giveBack(): void {
    if (this.#buffer) this.#options.pool.give(this.#buffer);
    this.#forgetBuffer();
  }

  #forgetBuffer(): void {
    this.#buffer = undefined;
    this.#filled = 0;
    this.#bufferCrc = 0;
  }
}
