/**
 * Against decompression bombs, and against anything else that makes much of little (FAULTS H69). What is passed over the
 * limit ends the item; nothing is cut off silently. Pure but for the tap.
 */
import { MAX_OBJECT_BYTES, MiB } from '../contract/limits.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { TransformLimits } from './transform.ts';

export const DEFAULT_TRANSFORM_LIMITS: TransformLimits = { maxRatio: 1_000, maxBytes: MAX_OBJECT_BYTES };

/** A small file of one repeated byte is no bomb, whatever its ratio. */
const FREE_BYTES = MiB;

/** @throws SkyhaulError `TransformFailed` saying which limit, when a decoder made too much of what it read */
export function checkExpansion(name: string, limits: TransformLimits, bytesIn: number, bytesOut: number): void {
  checkSize(name, limits, bytesOut);
  if (bytesOut - FREE_BYTES <= bytesIn * limits.maxRatio) return;
  throw new SkyhaulError(
    'TransformFailed',
    `${name}: ${bytesIn} bytes became ${bytesOut} so far, more than ${limits.maxRatio} for one (maxRatio).`,
  );
}

/** @throws SkyhaulError `TransformFailed` saying the limit */
export function checkSize(name: string, limits: TransformLimits, bytesOut: number): void {
  if (bytesOut <= limits.maxBytes) return;
  throw new SkyhaulError('TransformFailed', `${name}: more than ${limits.maxBytes} bytes came out (maxBytes).`);
}

/** The same bytes, as long as they are few enough. */
export async function* limitSize(
  name: string,
  limits: TransformLimits,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let out = 0;
  for await (const chunk of bytes) {
    out += chunk.length;
    checkSize(name, limits, out);
    yield chunk;
  }
}
