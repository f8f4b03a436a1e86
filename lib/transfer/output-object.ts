import { combineCrc32 } from '../store/crc32.ts';
import type { Condition, ObjectOptions, ObjectStore, StoredObject, StoredPart, Upload } from '../store/object-store.ts';
import { planParts } from '../store/part-plan.ts';
import type { BufferPool } from './buffer-pool.ts';
import { tooLarge } from './check-expectations.ts';
import { passed } from './garbage.ts';
import { PartWriter } from './part-writer.ts';

export interface OutputOptions {
  readonly store: ObjectStore;
  readonly key: string;
  readonly object: ObjectOptions;
  readonly pool: BufferPool;
  readonly signal: AbortSignal;
  readonly halt: AbortSignal;
}

/**
 * Bytes of unknown length on their way into one object, in bounded memory. Nothing is visible before `commit`; after
 * `abort` nothing is left. The same checks as for any object: a CRC32 per part and of the whole, the size, a condition.
 */
export class OutputObject {
  readonly #options: OutputOptions;
  readonly #writer: PartWriter;
  readonly #parts = new Map<number, StoredPart>();
  #upload: Upload | undefined;

  /** Throws TooLarge where no part fits into the memory there is. */
  constructor(options: OutputOptions) {
    this.#options = options;
    const { store, key, object, pool, signal, halt } = options;
    const planned = planParts(undefined, store.limits, { bufferBytes: pool.budgetBytes, canStream: false });
    if ('tooLarge' in planned) throw tooLarge(planned.tooLarge);
    this.#writer = new PartWriter({
      store,
      plan: planned.plan,
      pool,
      observer: {
        onBytes: () => undefined,
        onFilled: () => ({}),
        onStored: (part) => void this.#parts.set(part.number, part),
      },
      open: async () => {
        this.#upload ??= await store.createUpload(key, object);
        return this.#upload;
      },
      signal,
      halt,
    });
  }

  get key(): string {
    return this.#options.key;
  }

  /** Copies the chunk; resolves when there was room for it. */
  async write(chunk: Uint8Array): Promise<void> {
    passed(chunk.length);
    await this.#writer.write(chunk);
  }

  /**
   * Everything is written. What fits into one part stays in its buffer, to go with `commit` in one request, unless it is to
   * be held: then it is sent, and no memory is taken until the commit.
   */
  async end(isHeld = false): Promise<{ readonly bytes: number; readonly crc32: number }> {
    const { only } = this.#writer;
    if (only && (!isHeld || only.bytes.length === 0)) return { bytes: only.bytes.length, crc32: only.crc32 };
    await this.#writer.end();
    return this.#sums();
  }

  async commit(condition: Condition): Promise<StoredObject> {
    const { store, key, object } = this.#options;
    const { only } = this.#writer;
    if (only) {
      const stored = await store.put(key, only.bytes, { ...object, condition, crc32: only.crc32 });
      this.#writer.giveBack();
      return stored;
    }
    if (!this.#upload) throw new Error('an object is committed before it has ended');
    return store.completeUpload(this.#upload, this.#ordered(), { ...this.#sums(), condition });
  }

  /** Resolves when no request of it is under way and the store holds no part any more. Throws what the store throws. */
  async abort(): Promise<void> {
    await this.#writer.settle();
    if (this.#upload) await this.#options.store.abortUpload(this.#upload);
  }

  #ordered(): StoredPart[] {
    return Array.from(this.#parts.values()).sort((a, b) => a.number - b.number);
  }

  #sums(): { bytes: number; crc32: number } {
    return this.#ordered().reduce(
      (sums, part) => ({ bytes: sums.bytes + part.bytes, crc32: combineCrc32(sums.crc32, part.crc32, part.bytes) }),
      { bytes: 0, crc32: 0 },
    );
  }
}
