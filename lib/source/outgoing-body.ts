import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** Bytes, or texts that are sent as UTF-8, as somebody else's code makes them. Node's own streams are such, too. */
export type BodyStream = ReadableStream<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

interface Next {
  readonly done?: boolean | undefined;
  readonly value?: unknown;
}

interface Chunks {
  next(): Promise<Next>;
  /** Also while one is being asked for. */
  close(): Promise<unknown>;
}

export interface OutgoingOptions {
  /** Called once, when the first byte is wanted. */
  readonly open: () => BodyStream | Promise<BodyStream>;
  /** So many are promised to the host; none: it finds the end by the framing. */
  readonly bytes: number | undefined;
}

/**
 * A request body on its way, once. A back-end takes one chunk after the other, as fast as the host does; nothing is asked
 * for ahead. It ends normally only behind the very last byte, so that what ends it may be written on the wire: where the
 * stream throws, or has more or fewer bytes than promised, it throws TransformFailed, SizeMismatch or BatchInvalid. The
 * stream is closed on every path and never waited for, since it may be waiting itself.
 */
export class OutgoingBody implements AsyncIterableIterator<Uint8Array> {
  readonly bytes: number | undefined;
  readonly #open: OutgoingOptions['open'];
  readonly #over = new AbortController();
  #chunks: Chunks | undefined;
  #asked: PromiseWithResolvers<Next> | undefined;
  #isBegun = false;
  /** Nothing more is asked of the stream. */
  #isHeld = false;
  #taken = 0;

  constructor({ open, bytes }: OutgoingOptions) {
    this.#open = open;
    this.bytes = bytes;
  }

  /** Its first byte was asked for: whatever becomes of it, it cannot be sent again. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Aborted when its exchange is over, whoever still waits for room to write. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      for (;;) {
        const { done, value } = await this.#ask();
        if (done === true) return this.#finish();
        const chunk = this.#count(value);
        // An empty chunk would be the last one (RFC 9112 7.1).
        if (chunk.length > 0) return { value: chunk, done: false };
      }
    } catch (error) {
      this.hold();
      throw error;
    }
  }

  /** The back-end cannot send any more. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.hold();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** The host has said what it thinks: nothing more comes, and no end either, until the exchange is over. */
  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#close();
  }

  /** The exchange is over. Whoever still asks is told so by an error, never by an end that is none. */
  end(): void {
    this.hold();
    this.#over.abort();
    this.#asked?.reject(givenUp());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #ask(): Promise<Next> {
    if (this.#over.signal.aborted) throw givenUp();
    // Not a race with `over`: each would leave something behind at the signal, of a million chunks a million.
    this.#asked = Promise.withResolvers();
    void this.#pull(this.#asked);
    return await this.#asked.promise;
  }

  /** A stream that is closed says that it has ended; that is not to be taken for its end. */
  async #pull(asked: PromiseWithResolvers<Next>): Promise<void> {
    if (this.#isHeld) return;
    this.#isBegun = true;
    try {
      const next = await (await this.#opened()).next();
      if (!this.#isHeld) asked.resolve(next);
    } catch (error) {
      if (!this.#isHeld) asked.reject(asBodyFailure(error));
    }
  }

  async #opened(): Promise<Chunks> {
    if (this.#chunks) return this.#chunks;
    this.#chunks = chunksOf(await this.#open());
    if (this.#isHeld) this.#close();
    return this.#chunks;
  }

  #count(value: unknown): Uint8Array {
    const chunk = bytesOf(value);
    this.#taken += chunk.length;
    if (this.bytes !== undefined && this.#taken > this.bytes) throw wrongSize('more', this.#taken, this.bytes);
    return chunk;
  }

  #finish(): IteratorReturnResult<undefined> {
    if (this.bytes !== undefined && this.#taken < this.bytes) throw wrongSize('only', this.#taken, this.bytes);
    this.#isHeld = true;
    return { value: undefined, done: true };
  }

  #close(): void {
    this.#chunks?.close().catch(() => undefined);
  }
}

/** An iterator would close its stream only behind what was asked of it last, which may never come. */
function chunksOf(stream: BodyStream): Chunks {
  if ('getReader' in stream) {
    const reader = stream.getReader();
    return { next: () => reader.read(), close: () => reader.cancel() };
  }
  const iterator = stream[Symbol.asyncIterator]();
  return {
    next: async () => await iterator.next(),
    async close() {
      if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
      await iterator.return?.();
    },
  };
}

/** Closes one that was not begun. */
export function closeUnread(stream: BodyStream): void {
  try {
    chunksOf(stream)
      .close()
      .catch(() => undefined);
  } catch {
    // Somebody else is reading it: it is theirs to close.
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string') return Buffer.from(chunk);
  throw new SkyhaulError('BatchInvalid', `a \`body\` is made of bytes or texts, found ${typeof chunk}`);
}

/** Also where it is an error of ours: what the body was made of is no matter of the host that it was for. */
function asBodyFailure(error: unknown): SkyhaulError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new SkyhaulError('TransformFailed', `body: ${text}`, { cause: error });
}

function wrongSize(which: 'more' | 'only', found: number, promised: number): SkyhaulError {
  const text = which === 'more' ? `at least ${found}` : `only ${found}`;
  return new SkyhaulError('SizeMismatch', `the \`body\` to be sent has ${text} bytes; ${promised} were promised`);
}

function givenUp(): SkyhaulError {
  return new SkyhaulError('Interrupted', 'the request was over before its body was');
}
