import fc from 'fast-check';
import type { StepCounts, TransformStep } from '../../lib/transform/transform.ts';

/** A source as careless as its contract allows: every chunk lies in the same buffer. It knows whether it was closed. */
export class CarelessSource implements AsyncIterable<Uint8Array> {
  readonly #chunks: readonly Uint8Array[];
  readonly #failure: Error | undefined;
  pulled = 0;
  closed = false;

  constructor(chunks: readonly Uint8Array[], failure?: Error) {
    this.#chunks = chunks;
    this.#failure = failure;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const shared = Buffer.alloc(Math.max(1, ...this.#chunks.map(({ length }) => length)));
    try {
      for (const chunk of this.#chunks) {
        this.pulled += 1;
        shared.set(chunk);
        yield shared.subarray(0, chunk.length);
        shared.fill(0xa5);
      }
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      this.closed = true;
    }
  }
}

/** The same bytes in chunks of these sizes, over and over. */
export function inChunks(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** Sizes of chunks: single bytes, empty ones, large ones. */
export const chunkSizes = fc
  .array(fc.oneof(fc.constant(1), fc.nat(7), fc.integer({ min: 1, max: 5_000 })), { minLength: 1, maxLength: 8 })
  .filter((sizes) => sizes.some((size) => size > 0));

/** Some that compress well, some not at all. */
export const someBytes = fc.oneof(
  fc.uint8Array({ maxLength: 3_000 }),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(300))
    .map(([piece, times]) => Buffer.concat(Array.from({ length: times }, () => piece))),
);

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return Buffer.concat(all);
}

export async function runStep(step: TransformStep, chunks: readonly Uint8Array[]) {
  const counts: StepCounts = { rowsIn: 0, rowsOut: 0 };
  return { bytes: await collect(step.apply(new CarelessSource(chunks), counts)), counts };
}

/** What a step makes of the bytes, in one chunk. */
export async function apply(step: TransformStep, ...chunks: readonly Uint8Array[]): Promise<Buffer> {
  return (await runStep(step, chunks)).bytes;
}
