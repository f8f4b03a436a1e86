import { crc32 } from 'node:zlib';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { ObjectStore, StoredPart, Upload } from '../store/object-store.ts';
import { type PartPlan, partRange } from '../store/part-plan.ts';
import type { BufferPool } from './buffer-pool.ts';

/** Parts of one object on their way at once; more would only take buffers from other lanes. */
const MAX_IN_FLIGHT = 3;

/** What becomes of the bytes beside being stored. */
export interface PartObserver {
  /** In order, never across the end of a part. */
  readonly onBytes: (bytes: Uint8Array) => void;
  /** All bytes of the part have passed; what this returns comes back with the part once it is stored. */
  readonly onFilled: (number: number) => PartSums;
  readonly onStored: (part: StoredPart, sums: PartSums) => void;
}

/** What was taken of one part beside its CRC32. */
export interface PartSums {
  readonly crc32c?: number;
  /** State of the digests behind it. */
  readonly digests?: string;
}

export interface PartWriterOptions {
  readonly store: ObjectStore;
  readonly plan: PartPlan;
  readonly pool: BufferPool;
  readonly observer: PartObserver;
  /** Creates the upload, or gives the one there is. Called before the first part is sent, not before. */
  readonly open: () => Promise<Upload>;
  /** Ends the filling; parts that are on their way go on. */
  readonly signal: AbortSignal;
  /** Ends parts that are on their way, too. */
  readonly halt: AbortSignal;
}

/**
 * Bytes in, parts out: whole parts from pooled buffers, their CRC32 taken as they come. Nothing of it is visible. A part
 * is sent only when it is whole, so a body that breaks off leaves no piece of one behind.
 */
export class PartWriter {
  readonly #options: PartWriterOptions;
  readonly #inFlight = new Set<Promise<void>>();
  /** Aborted by the first part that fails, so that nobody waits for a buffer in vain. */
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  #upload: Upload | undefined;
  #buffer: Buffer | undefined;
  #filled = 0;
  #bufferCrc = 0;
  #number: number;

  constructor(options: PartWriterOptions, firstPart = 1) {
    this.#options = options;
    this.#number = firstPart;
    this.#signal = AbortSignal.any([options.signal, this.#failed.signal]);
  }

  /** The part that is being filled, while nothing has been sent: an object this small needs no upload. */
  get only(): { readonly bytes: Uint8Array; readonly crc32: number } | undefined {
    if (this.#upload) return undefined;
    return { bytes: this.#buffer?.subarray(0, this.#filled) ?? new Uint8Array(), crc32: this.#bufferCrc };
  }

  /** Copies the chunk; resolves when there was room for it. */
  async write(chunk: Uint8Array): Promise<void> {
    const { plan, observer } = this.#options;
    let rest = chunk;
    while (rest.length > 0) {
      this.#signal.throwIfAborted();
      // A full buffer is kept until more comes: it may be the last one, and the only one.
      if (this.#buffer && this.#filled === this.#buffer.length) await this.#send(this.#buffer);
      this.#buffer ??= await this.#take(plan);
      const taken = rest.subarray(0, this.#buffer.length - this.#filled);
      this.#bufferCrc = crc32(taken, this.#bufferCrc);
      observer.onBytes(taken);
      this.#buffer.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
    }
  }

  /** Sends what is left and resolves when every part is stored. */
  async end(): Promise<void> {
    if (this.#buffer) await this.#send(this.#buffer);
    await Promise.all(this.#inFlight);
    this.#signal.throwIfAborted();
  }

  /** Sends a part that is full and forgets one that is not; resolves when no request is under way. Never throws. */
  async settle(): Promise<void> {
    if (this.#upload && this.#buffer && this.#filled === this.#buffer.length)
      await this.#send(this.#buffer).catch(() => undefined);
    await Promise.all(this.#inFlight);
    this.giveBack();
  }

  giveBack(): void {
    if (this.#buffer) this.#options.pool.give(this.#buffer);
    this.#forgetBuffer();
  }

  /** The last of many parts gets the memory of a full one, so that it goes from part to part. */
  async #take(plan: PartPlan): Promise<Buffer> {
    const bytes = this.#sizeOf(plan);
    const isLast = plan.bytes !== undefined && this.#number > 1 && bytes < plan.partBytes;
    const buffer = await this.#options.pool.take(isLast ? plan.partBytes : bytes, this.#signal);
    return buffer.subarray(0, bytes);
  }

  #sizeOf(plan: PartPlan): number {
    const { maxParts } = this.#options.store.limits;
    if (plan.bytes === undefined && this.#number > maxParts) {
      const most = partRange(plan, this.#number).from;
      throw new SkyhaulError('TooLarge', `without a known length at most ${most} bytes fit into one object here`);
    }
    return partRange(plan, this.#number).bytes;
  }

  async #send(buffer: Buffer): Promise<void> {
    const { store, pool, observer, halt } = this.#options;
    while (this.#inFlight.size >= MAX_IN_FLIGHT) await Promise.race(this.#inFlight);
    if (this.#failed.signal.aborted) throw this.#failed.signal.reason;
    this.#upload ??= await this.#options.open();
    const number = this.#number;
    const sums = observer.onFilled(number);
    const sending = store
      .uploadPart(this.#upload, number, buffer.subarray(0, this.#filled), this.#bufferCrc, halt)
      .then((part) => observer.onStored(part, sums))
      .catch((error: unknown) => this.#failed.abort(error))
      .finally(() => {
        pool.give(buffer);
        this.#inFlight.delete(sending);
      });
    this.#inFlight.add(sending);
    this.#number += 1;
    this.#forgetBuffer();
  }

  #forgetBuffer(): void {
    this.#buffer = undefined;
    this.#filled = 0;
    this.#bufferCrc = 0;
  }
}
