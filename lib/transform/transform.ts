import type { ItemAbout } from './module-session.ts';

/**
 * Transforms stand between the source and the parts: bytes in, bytes out, in bounded memory and at the pace of whoever
 * reads. A chain is a list of steps, each with one clear job; what can be composed is no step of its own.
 */
export interface TransformStep {
  /** As in the list, such as `gunzip`. */
  readonly name: string;
  /**
   * The bytes of this step, made of those of the one before. Chunks are good until the next one is asked for, here and
   * there. Ends normally only at the proven end of its input; throws TransformFailed for input that it cannot read. Reads
   * nothing ahead of its reader beyond a few chunks, and closes its input when it is closed. Only somebody else's code is
   * told `about` the item.
   */
  apply(input: AsyncIterable<Uint8Array>, counts: StepCounts, about?: ItemAbout): AsyncIterable<Uint8Array>;
}

/** A step that makes several objects of one; the last of its chain. Each body is read before the next one is asked for. */
export interface SplitStep {
  readonly name: string;
  split(input: AsyncIterable<Uint8Array>, counts: StepCounts): AsyncIterable<SplitObject>;
}

export interface SplitObject {
  /** Relative, safe to be appended to a key: checked by the step. */
  readonly path: string;
  readonly bytes: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** What the steps that know rows count. Rows that are neither out nor dropped do not exist. */
export interface StepCounts {
  rowsIn: number;
  rowsOut: number;
}

/** Against decompression bombs: what comes out of one item. */
export interface TransformLimits {
  /** Bytes out of any decoding step for each byte in, counted behind the first MiB out. @default 1_000 */
  readonly maxRatio: number;
  /** Bytes out of any step. */
  readonly maxBytes: number;
}
