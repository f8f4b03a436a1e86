import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { dropped } from './garbage.ts';

/** So many times what was asked for, and no more, may lie idle in the rest of a buffer. */
const LARGEST_WASTE = 2;

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
  /** Given back and ready to be used again, smallest first: allocating anew each time is what makes memory grow. */
  readonly #idle: ArrayBufferLike[] = [];
  #idleBytes = 0;
  readonly #waiting: Waiter[] = [];

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
  }

  /** Memory that nobody has and that stays ours. */
  get idleBytes(): number {
    return this.#idleBytes;
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
    const memory = buffer.buffer;
    this.#usedBytes -= memory.byteLength;
    this.#idleBytes += memory.byteLength;
    const position = this.#idle.findIndex(({ byteLength }) => byteLength >= memory.byteLength);
    this.#idle.splice(position < 0 ? this.#idle.length : position, 0, memory);
    this.#grant();
  }

  /** Gives memory that lies idle back to the process. */
  letGo(): void {
    while (this.#idle.length > 0) dropped(this.#takeIdle(0).byteLength);
  }

  /** Strictly in order: a large request is never starved by small ones. */
  #grant(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (this.#usedBytes + next.bytes > this.budgetBytes) return;
      this.#waiting.shift();
      const buffer = this.#bufferOf(next.bytes);
      this.#usedBytes += buffer.buffer.byteLength;
      next.grant(buffer);
    }
  }

  /** Idle memory of about this size, or new memory in the place of idle memory. */
  #bufferOf(bytes: number): Buffer {
    const room = Math.min(LARGEST_WASTE * bytes, this.budgetBytes - this.#usedBytes);
    const position = this.#idle.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= room);
    if (position >= 0) return Buffer.from(this.#takeIdle(position), 0, bytes);
    while (this.#usedBytes + this.#idleBytes + bytes > this.budgetBytes) dropped(this.#takeIdle(0).byteLength);
    return Buffer.allocUnsafeSlow(bytes);
  }

  #takeIdle(position: number): ArrayBufferLike {
    const [memory] = this.#idle.splice(position, 1);
    if (!memory) throw new SkyhaulError('Unexpected', 'the buffers do not add up');
    this.#idleBytes -= memory.byteLength;
    return memory;
  }
}
