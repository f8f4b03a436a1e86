import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import { outsideModule } from './module-guard.ts';

/**
 * The bytes of the step before as a web stream for a user's module: read only when the module asks, and copied, because
 * the module may keep what it got. It remembers how its own reading failed, whatever the module makes of that.
 */
export class ModuleInput {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #onWaiting: (isWaiting: boolean) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** The module wants no more, or may have no more. */
  #isShut = false;
  #isAtEnd = false;
  #failure: { readonly error: unknown } | undefined;
  #pending: Promise<Uint8Array | undefined> | undefined;

  constructor(input: AsyncIterable<Uint8Array>, onWaiting: (isWaiting: boolean) => void) {
    this.#chunks = input[Symbol.asyncIterator]();
    this.#onWaiting = onWaiting;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: (controller) => this.#pull(controller),
        cancel: () => {
          this.#isShut = true;
        },
      },
      // Nothing is read ahead.
      { highWaterMark: 0 },
    );
  }

  /** Why the bytes ended before their end: an error of the source, not of the module. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Reads what the module left, so that the source is proven whole. Throws what the input throws. */
  async drain(): Promise<void> {
    this.#isShut = true;
    await this.#pending?.catch(() => undefined);
    while (!this.#isAtEnd) await this.#next();
    if (this.#failure) throw this.#failure.error;
  }

  /** No more bytes for the module: `reason` is what it sees. Resolves when the input is closed. */
  async close(reason: unknown): Promise<void> {
    if (!this.#isShut && !this.#isAtEnd) this.#controller?.error(reason);
    this.#isShut = true;
    await this.#pending?.catch(() => undefined);
    await this.#chunks.return?.();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#onWaiting(true);
    try {
      this.#pending = this.#next();
      const chunk = await this.#pending;
      if (this.#isShut) return;
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    } finally {
      this.#onWaiting(false);
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const next = await outsideModule(() => this.#chunks.next());
      if (!next.done) return new Uint8Array(next.value);
      this.#isAtEnd = true;
      return undefined;
    } catch (error) {
      this.#isAtEnd = true;
      this.#failure = { error };
      throw error;
    }
  }
}
