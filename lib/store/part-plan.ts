/**
 * How the bytes of one object are cut into parts. A plan is made once, with the upload, and kept in its checkpoint: part i
 * is then a pure function of the plan and i, so whoever sends part i, at whatever time, sends the same bytes. Nothing
 * here may change its meaning for a plan that is already written down.
 */
import { GiB, MiB } from '../contract/limits.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { StoreLimits } from '../store/object-store.ts';

/** Large enough for few requests, small enough for many lanes in a small Lambda. */
export const USUAL_PART_BYTES = 8 * MiB;
/** Of a growing plan: so many parts of one size, then parts of twice the size. */
const PARTS_PER_STEP = 1_000;
/** A buffered part goes to the socket in one write, and from 2 GiB on OpenSSL refuses that (EPROTO, Node 24). */
const MAX_BUFFERED_PART_BYTES = 1 * GiB;

export interface PartPlan {
  /** Of the whole; unknown while a body without length has not ended. */
  readonly bytes: number | undefined;
  /** Of each part but the last; of a growing plan, of the first 1,000. */
  readonly partBytes: number;
  /** Of a growing plan: what its parts grow up to. */
  readonly maxPartBytes?: number | undefined;
}

export type Planned =
  /** `isStreamed`: a part is too large to be held; it is sent while it is fetched. */
  | { readonly plan: PartPlan; readonly isStreamed: boolean }
  /** The most bytes that would have gone. */
  | { readonly tooLarge: number };

/**
 * Known length: the smallest part, in whole MiB from 8 up, at which the parts fit into the store's part count.
 * Unknown length: parts that grow, so that a stream passes 78 GiB (see `maxBytesOf`). `memory.bufferBytes` is the whole
 * pool, two usual parts at least; `canStream`: every part can be fetched again by Range (FAULTS S04).
 */
export function planParts(
  bytes: number | undefined,
  limits: StoreLimits,
  memory: { readonly bufferBytes: number; readonly canStream: boolean },
): Planned {
  const usual = usualPartBytes(limits);
  const share = maxBufferedPartBytes(limits, memory.bufferBytes);
  if (bytes === undefined) return { plan: { bytes, partBytes: usual, maxPartBytes: share }, isStreamed: false };

  const largest = memory.canStream ? limits.maxPartBytes : share;
  const maxBytes = Math.min(limits.maxObjectBytes, limits.maxParts * largest);
  if (bytes > maxBytes) return { tooLarge: maxBytes };
  const needed = Math.ceil(bytes / (limits.maxParts * MiB)) * MiB;
  const partBytes = Math.min(Math.max(usual, needed), limits.maxPartBytes);
  return { plan: { bytes, partBytes }, isStreamed: partBytes > share };
}

function usualPartBytes({ usualPartBytes: usual = USUAL_PART_BYTES, minPartBytes, maxPartBytes }: StoreLimits): number {
  return Math.min(Math.max(usual, minPartBytes), maxPartBytes);
}

/** Larger parts are streamed. Half of the pool, so that one part is filled while another is on its way. */
export function maxBufferedPartBytes(limits: StoreLimits, bufferBytes: number): number {
  const half = Math.floor(bufferBytes / 2 / MiB) * MiB;
  return Math.min(Math.max(half, usualPartBytes(limits)), MAX_BUFFERED_PART_BYTES, limits.maxPartBytes);
}

/** The most bytes that an upload of this plan can take: the length where it is known, else the end of the schedule. */
export function maxBytesOf(plan: PartPlan, limits: StoreLimits): number {
  return plan.bytes ?? Math.min(limits.maxObjectBytes, offsetOf(plan, limits.maxParts + 1));
}

/** Of known length; 0 for no bytes, which are no upload. */
export function partCount(plan: PartPlan): number {
  if (plan.bytes === undefined) throw new SkyhaulError('Unexpected', 'parts of an unknown length cannot be counted');
  let left = plan.bytes;
  let count = 0;
  for (const { parts, partBytes } of steps(plan)) {
    const taken = Math.min(parts, Math.ceil(left / partBytes));
    count += taken;
    left -= taken * partBytes;
    if (left <= 0) break;
  }
  return count;
}

/** First byte and size of part `number`, from 1. Without a known length the last part is simply shorter than this. */
export function partRange(plan: PartPlan, number: number): { readonly from: number; readonly bytes: number } {
  const from = Number.isSafeInteger(number) && number >= 1 ? offsetOf(plan, number) : Number.NaN;
  const full = offsetOf(plan, number + 1) - from;
  const bytes = plan.bytes === undefined ? full : Math.min(full, plan.bytes - from);
  // Bytes at a wrong place would be a wrong object: there is no such part.
  if (!(bytes > 0)) throw new SkyhaulError('Unexpected', `the plan has no part ${number}`);
  return { from, bytes };
}

/** Bytes before part `number`. */
function offsetOf(plan: PartPlan, number: number): number {
  let left = number - 1;
  let offset = 0;
  for (const { parts, partBytes } of steps(plan)) {
    const taken = Math.min(parts, left);
    offset += taken * partBytes;
    left -= taken;
    if (left <= 0) break;
  }
  return offset;
}

/** Runs of parts of one size; the last one is endless. */
function* steps({ partBytes, maxPartBytes = partBytes }: PartPlan) {
  let size = partBytes;
  for (; size < maxPartBytes; size = Math.min(size * 2, maxPartBytes)) yield { parts: PARTS_PER_STEP, partBytes: size };
  yield { parts: Number.POSITIVE_INFINITY, partBytes: size };
}
