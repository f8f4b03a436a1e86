import { SkyhaulError } from '../errors/skyhaul-error.ts';

interface Waiter {
  readonly bytes: number;
  readonly grant: (buffer: Buffer) => void;
  readonly refuse: (error: Error) => void;
}

/**
 * The part buffers of one invocation: a fixed budget of memory that lanes take from and give back to, first come, first
 * served. A lane that finds nothing free waits, which is how a slow destination slows its sources down. No lane waits
 * while it holds a buffer that is not on its way out, so they cannot wait for each other for ever.
 */
export class BufferPool {
  readonly budgetBytes: number;
  #usedBytes = 0;
  /** Given back and ready to be used again: allocating anew each time is what makes memory grow. */
  #idle: Buffer[] = [];
  readonly #waiting: Waiter[] = [];

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
  }

  /** Throws TooLarge when the budget can never hold so much; the signal's reason when it is aborted first. */
  async take(bytes: number, signal: AbortSignal): Promise<Buffer> {
    signal.throwIfAborted();
    if (bytes > this.budgetBytes) {
      throw new SkyhaulError(
        'TooLarge',
        `a part of ${bytes} bytes does not fit into ${this.budgetBytes} bytes of buffers`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const waiter: Waiter = { bytes, grant: resolve, refuse: reject };
    const refuse = () => {
      const position = this.#waiting.indexOf(waiter);
      if (position >= 0) this.#waiting.splice(position, 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', refuse, { once: true });
    this.#waiting.push(waiter);
    this.#grant();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', refuse);
    }
  }

  give(buffer: Buffer): void {
    this.#usedBytes -= buffer.length;
    this.#idle.push(buffer);
    this.#grant();
  }

  /** Strictly in order: a large request is never starved by small ones. */
  #grant(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#usedBytes + next.bytes > this.budgetBytes) return;
      this.#waiting.shift();
      this.#usedBytes += next.bytes;
      next.grant(this.#bufferOf(next.bytes));
    }
  }

  #bufferOf(bytes: number): Buffer {
    const position = this.#idle.findIndex((buffer) => buffer.length === bytes);
    if (position >= 0) return this.#idle.splice(position, 1)[0] as Buffer;
    // Idle buffers of other sizes would take the budget a second time.
    this.#idle = [];
    return Buffer.allocUnsafeSlow(bytes);
  }
}
